"""Whatever a run has written is damaged, and then read and gone on with: the outcome is that of an undamaged run, or an
error that names the file. Runs are also killed, and their disk fills up, wherever they write."""

import io
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter

import pytest
from tqdm import tqdm

pytest.importorskip("pyarrow")

from spacy_bio_ner.annotate.inputs.standard_input import spool  # noqa: E402
from spacy_bio_ner.annotate.job import TableFormat  # noqa: E402
from spacy_bio_ner.annotate.outputs import SCHEMAS  # noqa: E402
from spacy_bio_ner.annotate.results import open_results  # noqa: E402
from spacy_bio_ner.annotate.runner import locked  # noqa: E402
from spacy_bio_ner.util import InputError  # noqa: E402

from ..annotate.conftest import annotate_paths, quick_disk, write_texts  # noqa: E402, F401
from ..conftest import SMALL_MODEL, learn_by_heart  # noqa: E402
from .faults import Tally, damage, disk_of, fault_at, full, in_child, killed, moments, outcome  # noqa: E402

SMALL = 2  # texts of a shard
LONG = pytest.mark.slow


class Runs:
    """Some runs over small inputs: the one to damage, and others whose files can get into it."""

    def __init__(self, folder, model, format):
        self.model, self.format = model, format
        self.source = write_texts(folder / "x.jsonl", 7)
        self.source.write_text(self.source.read_text() + "not JSON\n")
        similar = write_texts(folder / "similar" / "x.jsonl", 7, seed=1)
        self.whole = folder / "whole"
        self.annotate(self.whole)
        self.others = [folder / "other settings", folder / "other texts"]
        annotate_paths(model, self.others[0], self.source, shard_size=SMALL, format=format, min_confidence=0.9)
        annotate_paths(model, self.others[1], similar, shard_size=SMALL, format=format)
        self.files = sorted(path.relative_to(self.whole) for path in self.whole.rglob("*.*") if path.name != ".lock")
        self.files.remove(next(path for path in self.files if path.name == "errors.jsonl"))  # is not read back
        self.expected = self.read(self.whole)

    def annotate(self, output):
        with locked(output):
            annotate_paths(self.model, output, self.source, shard_size=SMALL, format=self.format)

    def read(self, output):
        """All that can be known of a finished run."""
        results = open_results(output)
        tables = {name: results.table(name).to_table().to_pylist() for name in SCHEMAS}
        return tables, results.manifest

    def is_same(self, output):
        return self.read(output) == self.expected and same_errors(output, self.whole)


def same_errors(left, right):
    return (left / "errors.jsonl").read_bytes() == (right / "errors.jsonl").read_bytes()


@pytest.fixture(scope="module", autouse=True)
def progress_bars_of_one_process():
    """A child that is killed would keep the lock that bars of several processes share."""
    tqdm.set_lock(threading.RLock())
    tqdm.monitor_interval = 0


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipeline") / "model"
    learn_by_heart(SMALL_MODEL).to_disk(path)
    return path


@pytest.fixture(scope="module", params=TableFormat)
def runs(request, pipeline, tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"), pipeline, request.param)


def damage_one(runs, output, rng):
    """Damage a file of a run, or exchange all of a shard for another run's. Returns the file and what was done."""
    name = rng.choice(runs.files)
    another = rng.choice(runs.others + [runs.whole])
    alike = [other for other in runs.files if other.suffix == name.suffix and other.name != "manifest.json"]
    others = [name] if another != runs.whole else [other for other in alike if other != name] or alike
    if name.parent.name and rng.random() < 0.03:
        for table in (*SCHEMAS, "shards"):
            suffix = ".json" if table == "shards" else f".{runs.format.value}"
            shutil.copy(another / table / f"{name.stem}{suffix}", output / table / f"{name.stem}{suffix}")
        return output / name, "another's"
    return output / name, damage(output / name, rng, [another / other for other in others])


def damage_many(runs, folder, n, seed):
    """Damage copies of a run, read each and go on with it. Returns what came of reading and of going on."""
    rng, tallies = random.Random(seed), (Tally(), Tally())
    output = folder / "out"
    for i in range(n):
        if not output.exists():
            shutil.copytree(runs.whole, output)
        path, kind = damage_one(runs, output, rng)
        file = {".": "manifest", "shards": "record"}.get(str(path.parent.relative_to(output)), f"table, {path.suffix}")
        tallies[0][file, outcome(lambda: runs.read(output) == runs.expected, output)] += 1

        def resume():
            runs.annotate(output)
            return runs.is_same(output)

        said = outcome(resume, output)
        tallies[1][file, said] += 1
        if kind == "folder":
            assert said == "refused" and (path / "mine").exists()  # what is not of the run is not removed
        if said == "refused" or i % 50 == 0:
            shutil.rmtree(output)
    return tallies


@pytest.mark.parametrize("n", [30, pytest.param(1500, marks=LONG)])
def test_damage_is_mended_or_named(runs, tmp_path, n):
    read, gone_on_with = damage_many(runs, tmp_path, n, seed=n)
    read.print(f"Runs of annotate, {runs.format.value}, read")
    gone_on_with.print(f"Runs of annotate, {runs.format.value}, gone on with")
    assert sum(read.values()) == sum(gone_on_with.values()) == n
    refused, mended = (
        sum(tally[key] for key in tally if key[1] == said)
        for tally, said in ((read, "refused"), (gone_on_with, "same"))
    )
    assert refused > n / 2 and mended > n / 2


def test_every_damage_to_a_table_is_done_anew(runs, tmp_path):
    """Resuming mends whatever is wrong with a table or a record."""
    for name in (name for name in runs.files if name.stem in ("00000", "00003")):
        for content in (b"", None):
            shutil.copytree(runs.whole, tmp_path / "out", dirs_exist_ok=True)
            (tmp_path / "out" / name).unlink() if content is None else (tmp_path / "out" / name).write_bytes(content)
            with pytest.raises(InputError, match=name.name):
                open_results(tmp_path / "out")
            runs.annotate(tmp_path / "out")
            assert runs.is_same(tmp_path / "out"), name


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"model": 3}', b'{"checksum": ""}'])
def test_a_run_goes_on_without_a_whole_manifest_if_its_records_are_whole(runs, tmp_path, content):
    output = tmp_path / "out"
    shutil.copytree(runs.whole, output)
    (output / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match="manifest.json: is damaged"):
        open_results(output)
    with pytest.raises(InputError, match="manifest.json: is damaged, and .*00000.json is of another run"):
        annotate_paths(runs.model, output, runs.source, shard_size=SMALL, format=runs.format, min_confidence=0.5)
    runs.annotate(output)
    assert runs.is_same(output)
    for path in (output / "shards").iterdir():
        path.unlink()
    (output / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match="manifest.json: is damaged. Found manifest.json, documents"):
        runs.annotate(output)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=LONG)])
def test_a_full_disk_wherever_it_is_written(runs, tmp_path, step):
    """The run says so, and goes on as if nothing had been. (That a folder cannot be made which is there already is no
    matter.)"""
    with fault_at(0, full) as calls:
        runs.annotate(tmp_path / "counted")
    counts = Counter()
    for n in range(1, calls[0] + 1, step):
        output = tmp_path / str(n)

        def begin():
            with fault_at(n, full):
                runs.annotate(output)
            return runs.is_same(output)

        counts[outcome(begin, output)] += 1
        runs.annotate(output)
        assert runs.is_same(output), n
        assert not [path for path in output.rglob(".*") if path.name != ".lock"]
    print(f"\n{runs.format.value}: {counts['refused']} full disks")
    assert counts["refused"] > 40 / step


@pytest.mark.parametrize("n", [4, pytest.param(100, marks=LONG)])
def test_a_disk_that_is_full_after_so_many_bytes(runs, tmp_path, n):
    with disk_of(None) as written:
        runs.annotate(tmp_path / "counted")
    for room in moments(written[0] - 1, n):
        output = tmp_path / str(room)
        with disk_of(room):
            assert outcome(lambda: runs.annotate(output) or True, output) == "refused"
        runs.annotate(output)
        assert runs.is_same(output), room


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks a process with a loaded pipeline")
@pytest.mark.parametrize("n", [6, pytest.param(400, marks=LONG)])
def test_a_run_is_killed_at_any_moment(runs, tmp_path, n):
    """At any write, and at any time; whatever was half written, another run goes on, and the lock is free."""
    rng = random.Random(n)
    with fault_at(0, full) as calls:
        start = time.monotonic()
        runs.annotate(tmp_path / "counted")
        seconds = time.monotonic() - start
    n_killed = 0
    for i in range(n):
        output = tmp_path / str(i)
        for _ in range(rng.choice([1, 1, 2, 3])):
            moment = rng.randrange(1, calls[0])

            def killed_at_a_write():
                with fault_at(moment, killed):
                    runs.annotate(output)

            if i % 2:
                os.waitpid(in_child(killed_at_a_write), 0)
                n_killed += 1
            else:
                pid = in_child(lambda: runs.annotate(output))
                time.sleep(rng.random() * seconds)
                os.kill(pid, signal.SIGKILL)
                n_killed += os.waitpid(pid, 0)[1] == signal.SIGKILL
        runs.annotate(output)
        assert runs.is_same(output), i
        assert not [path for path in output.rglob(".*") if path.name != ".lock"]
        shutil.rmtree(output)
    print(f"\n{runs.format.value}: {n_killed} kills in {n} runs")
    assert n_killed > n / 3


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_folders_that_cannot_be_read(runs, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(runs.whole, output)
    for name in (*SCHEMAS, "shards"):
        (output / name).chmod(0)
        try:
            assert outcome(lambda: runs.read(output), output) == "refused"
            assert outcome(lambda: runs.annotate(output) or True, output) == "refused"
        finally:
            (output / name).chmod(0o755)
    runs.annotate(output)
    assert runs.is_same(output)


def test_a_folder_of_tables_that_is_a_file_is_named(runs, tmp_path):
    for name in (*SCHEMAS, "shards"):
        output = tmp_path / name
        shutil.copytree(runs.whole, output)
        shutil.rmtree(output / name)
        (output / name).write_text("")
        assert outcome(lambda: runs.read(output), output) == "refused"
        assert outcome(lambda: runs.annotate(output) or True, output) == "refused"


@pytest.mark.parametrize("n", [40, pytest.param(1500, marks=LONG)])
def test_a_damaged_copy_of_the_standard_input_is_mended_or_named(tmp_path, n):
    rng = random.Random(n)
    path, content = tmp_path / "stdin", b'{"text": "Fever"}\n{"text": "Aspirin"}\n'
    for _ in range(n):
        spool(io.BytesIO(content), path)
        damaged = rng.choice([path, tmp_path / "stdin.json"])
        bad = bytearray(damaged.read_bytes())
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        damaged.write_bytes(bad if rng.random() < 0.7 else bad[: rng.randrange(len(bad))])
        assert outcome(lambda: spool(io.BytesIO(), path) or path.read_bytes() == content, path) in ("same", "refused")
        if damaged == path:
            path.unlink()
