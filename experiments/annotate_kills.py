"""Kill `bio-ner annotate` at random moments, go on each time, and compare the tables with those of a run that nothing
disturbed. On Ray, only a worker is killed, and the run goes on by itself."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import numpy
import typer
from wasabi import msg

from spacy_bio_ner.annotate.manifest import read_manifest
from spacy_bio_ner.annotate.outputs import CANDIDATES, DOCUMENTS, ENTITIES
from spacy_bio_ner.annotate.results import open_results

TOLERANCE = 1e-5
SPAN = ["document", "start", "end", "label"]
SORTED = {DOCUMENTS: ["document"], ENTITIES: SPAN, CANDIDATES: SPAN}  # what each table is sorted by


def main(
    model: str = typer.Argument(..., help="Pipeline: the name of an installed one, or a path"),
    texts: Path = typer.Argument(..., help="The input"),
    output: Path = typer.Argument(..., help="Folder to write to, which is new"),
    undisturbed: Path = typer.Argument(..., help="Folder of a run over the same input that nothing disturbed"),
    kills: int = typer.Option(10, help="How often to kill"),
    n_process: int = typer.Option(2, help="Number of processes"),
    engine: str = typer.Option("local", help="local or ray"),
    seed: int = typer.Option(0, help="Seed of the moments"),
):
    """Kill at moments that are spread over the run: whenever so many shards are whole, and a little later."""
    rng = random.Random(seed)
    n_shards = read_manifest(undisturbed).result["shards"]
    command = ["-m", "spacy", "bio-ner", "annotate", model, texts, "-o", output, "-n", n_process, "--engine", engine]
    process = start(command)
    for moment in sorted(rng.sample(range(1, n_shards), kills)):
        while process.poll() is None and whole_shards(output) < moment:
            time.sleep(0.05)
        time.sleep(rng.random())
        if engine == "ray":
            for victim in ray_workers()[:1]:
                os.kill(victim, signal.SIGKILL)
        else:
            process.kill()
            process.wait()
        msg.info(f"Killed after {whole_shards(output)} of {n_shards} shards")
        if engine != "ray":
            process = start(command)
    if process.wait():
        msg.fail("The last run failed", exits=1)
    compare(output, undisturbed)


def start(command: list) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *map(str, command)])


def whole_shards(output: Path) -> int:
    return len(list((output / "shards").glob("[0-9]*")))


def ray_workers() -> List[int]:
    """RETURNS (List[int]): The processes of Ray that work on a shard."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_work"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            pass
    return found


def compare(output: Path, undisturbed: Path) -> None:
    apart, both = 0.0, [open_results(path) for path in (output, undisturbed)]
    for name, keys in SORTED.items():
        one, other = (
            results.table(name).to_table().to_pandas().sort_values(keys, ignore_index=True) for results in both
        )
        if "probability" in one:
            apart = max(apart, numpy.abs(one.pop("probability") - other.pop("probability")).max())
            assert apart <= TOLERANCE, apart
        else:
            assert one["document"].is_unique
        assert one.equals(other), name
    assert (output / "errors.jsonl").read_bytes() == (undisturbed / "errors.jsonl").read_bytes()
    n_equal = sum(one.tables == other.tables for one, other in zip(*(results.records for results in both), strict=True))
    msg.good(f"The same rows as undisturbed: {both[0].manifest.result}; probabilities differ by {apart:.1e} at most")
    msg.info(f"The tables of {n_equal} of {len(both[0].records)} shards are equal to the bit")


if __name__ == "__main__":
    typer.run(main)
