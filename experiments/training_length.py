"""Train configs as they are on random subsets of a corpus, and score all on its whole test split: how little data is
enough, and does the length of training follow it? Each subset is used in two ways: beside the corpus's own dev split,
and as a single file, which `bio-ner convert` splits into train, dev and test, as it does with a newcomer's.

Results are added to a file, and what is in it is not run again.
"""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy
import spacy
import srsly
import typer
from spacy.training import Corpus
from wasabi import msg

from spacy_bio_ner.corpora.convert import convert


def write_subset(source: Path, folder: Path, size: int, seed: int, carved: bool) -> None:
    """Convert a random subset of a corpus in BIO columns, of which the tests are the whole corpus's."""
    sentences = (source / "train.iob").read_text(encoding="utf8").strip().split("\n\n")
    subset = random.Random(seed).sample(sentences, min(size, len(sentences)))
    files = folder / "source"
    files.mkdir(parents=True)
    (files / ("subset.iob" if carved else "train.iob")).write_text("\n\n".join(subset) + "\n", encoding="utf8")
    if not carved:
        shutil.copy(source / "dev.iob", files)
    convert(files, folder / "corpus")
    convert(source / "test.iob", folder / "whole")


def train(config: Path, folder: Path, options: List[str]) -> Dict[str, Any]:
    """Train a config on a subset, and score it.

    RETURNS (Dict[str, Any]): F-score on dev and test, the last step, the passes over the corpus, and seconds.
    """
    paths = [word for split in ("train", "dev") for word in (f"--paths.{split}", folder / "corpus" / f"{split}.spacy")]
    command = [sys.executable, "-m", "spacy", "train", config, "--output", folder / "training", *paths, *options]
    started = time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        msg.fail(done.stdout[-2000:] + done.stderr[-2000:], exits=1)
    rows = [line.split() for line in done.stdout.splitlines() if line.split() and line.split()[0].isdecimal()]
    nlp = spacy.load(folder / "training" / "model-best")
    return {
        "dev": nlp.meta["performance"]["ents_f"],
        "test": nlp.evaluate(list(Corpus(folder / "whole" / "test.spacy")(nlp)))["ents_f"],
        "passes": int(rows[-1][0]),
        "steps": int(rows[-1][1]),
        "seconds": time.perf_counter() - started,
    }


def main(
    source: Path = typer.Argument(..., help="Corpus in BIO columns: a folder with train.iob, dev.iob and test.iob"),
    results: Path = typer.Argument(..., help="JSONL file for the results"),
    configs: List[Path] = typer.Argument(..., help="Configs to train"),
    size: List[int] = typer.Option([40, 150, 300, 600], help="Numbers of sentences"),
    subsets: int = typer.Option(5, help="Number of subsets of each size"),
    option: List[str] = typer.Option([], help="More options of `spacy train`, such as --option=--nlp.lang=de"),
):
    """Train configs on subsets of a corpus, and print the mean scores of each size."""
    work = results.with_suffix("")
    done = list(srsly.read_jsonl(results)) if results.exists() else []
    for carved in (False, True):
        for n in size:
            for seed in range(subsets):
                for config in configs:
                    run = {"config": config.stem, "carved": carved, "size": n, "seed": seed}
                    if any(run.items() <= other.items() for other in done):
                        continue
                    shutil.rmtree(work, ignore_errors=True)
                    write_subset(source, work, n, seed, carved)
                    done.append({**run, **train(config, work, option)})
                    srsly.write_jsonl(results, done[-1:], append=True, append_new_line=False)
    shutil.rmtree(work, ignore_errors=True)
    print_means(done)


def print_means(done: List[Dict[str, Any]]) -> None:
    keys = sorted({(run["carved"], run["size"], run["config"]) for run in done})
    rows = []
    for carved, size, config in keys:
        runs = [run for run in done if (run["carved"], run["size"], run["config"]) == (carved, size, config)]
        mean = {name: numpy.mean([run[name] for run in runs]) for name in ("dev", "test", "passes", "seconds")}
        tests = [100 * run["test"] for run in runs]
        rows.append(
            (
                "a single file" if carved else "own dev split", size, config, len(runs), f"{100 * mean['dev']:.1f}",
                f"{100 * mean['test']:.1f}", f"{min(tests):.1f}-{max(tests):.1f}", f"{mean['passes']:.0f}",
                f"{mean['seconds']:.0f}",
            )
        )  # fmt: skip
    header = ("", "sentences", "config", "runs", "dev F", "test F", "range", "passes", "s")
    msg.table(rows, header=header, divider=True, aligns=tuple("lrlrrrrrr"))


if __name__ == "__main__":
    typer.run(main)
