"""Texts to tables: what the rows hold, and that a run that was cut off goes on as if it had not been."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.cli import app
from spacy.language import Language
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.util import InputError

pytest.importorskip("pyarrow")

from spacy_bio_ner.annotate import run as runs  # noqa: E402
from spacy_bio_ner.annotate.engines import local  # noqa: E402
from spacy_bio_ner.annotate.inputs.item import Text  # noqa: E402
from spacy_bio_ner.annotate.inputs.sources import find_sources  # noqa: E402
from spacy_bio_ner.annotate.manifest import Manifest, go_on, read_manifest  # noqa: E402
from spacy_bio_ner.annotate.outputs import (  # noqa: E402
    CANDIDATES,
    DOCUMENTS,
    ENTITIES,
    Record,
    open_table,
    remove_leftovers,
    write_shard,
)
from spacy_bio_ner.annotate.run import annotate  # noqa: E402
from spacy_bio_ner.annotate.shards import SHARD_CHARS, cut, cut_shards  # noqa: E402
from spacy_bio_ner.annotate.work import Job, describe, run_shard  # noqa: E402

from ..conftest import SMALL_MODEL, learn_by_heart  # noqa: E402

WORDS = ["Aspirin", "fever", "penicillin", "Asthma", "after", "and", "pulmonary fibrosis", ".", "café", "Amiodarone"]
SHARD = 5


@Language.component("fails_on_crash")
def fails_on_crash(doc):
    if "crash" in doc.text:
        raise RuntimeError("no such thing")
    return doc


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    learn_by_heart(SMALL_MODEL).to_disk(path)
    return path


def texts(n, seed=0):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randrange(1, 20))) for _ in range(n)]


def write_texts(path, n, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = ({"id": f"d{i}", "text": text} for i, text in enumerate(texts(n, seed)))
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def serial(job, shards):
    """An engine of this process."""
    for shard in shards:
        yield run_shard(job, shard)


def stops_after(n):
    """An engine that stops in the middle, after some shards."""

    def engine(job, shards):
        for i, record in enumerate(serial(job, shards)):
            if i == n:
                raise KeyboardInterrupt
            yield record

    return engine


def make_job(model, output, **settings):
    return Job(describe(str(model), spacy.load(model)), output, **settings)


def annotate_paths(model, output, *paths, engine=serial, shard_size=SHARD, **settings):
    return annotate(make_job(model, output, **settings), find_sources(paths)[0], shard_size=shard_size, engine=engine)


def rows(output, name=ENTITIES):
    return open_table(output, name).to_table().to_pylist()


def errors(output):
    return [json.loads(line) for line in (output / "errors.jsonl").read_text().splitlines()]


def same(left, right):
    """Assert that two outputs have the same rows."""
    assert rows(left, DOCUMENTS) == rows(right, DOCUMENTS)
    for name in (ENTITIES, CANDIDATES):
        for a, b in zip(rows(left, name), rows(right, name), strict=True):
            assert a.pop("probability") == pytest.approx(b.pop("probability"), abs=1e-5)
            assert a == b
    assert errors(left) == errors(right)
    assert read_manifest(left).result == read_manifest(right).result is not None


@pytest.fixture(scope="module")
def undisturbed(model, tmp_path_factory):
    """Input and output of a run of 7 shards, the last of them not full."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = write_texts(folder / "x.jsonl", 33)
    with source.open("a") as file:
        file.write('{"id": "d3", "text": "again"}\nnot JSON\n')
    annotate_paths(model, folder / "out", source)
    return source, folder / "out"


def run_cli(*args, stdin=None):
    result = CliRunner().invoke(app, ["bio-ner", "annotate", *map(str, args)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_rows_are_what_the_pipeline_says(model, undisturbed):
    source, output = undisturbed
    nlp = spacy.load(model)
    found = rows(output)
    documents = rows(output, DOCUMENTS)
    expected = []
    for document, text in zip(documents, texts(33), strict=True):
        doc = nlp(text)
        expected.extend((document["document"], ent) for ent in doc.ents)
        assert document["text"] == text and document["tokens"] == len(doc) and document["entities"] == len(doc.ents)
    for row, (document, ent) in zip(found, expected, strict=True):
        assert (row["document"], row["start"], row["end"]) == (document, ent.start_char, ent.end_char)
        assert (row["text"], row["label"]) == (ent.text, ent.label_)
        assert row["probability"] == pytest.approx(ent._.confidence, abs=1e-4)
    assert len(found) > 50

    nlp.get_pipe("bio_ner").cfg["candidate_threshold"] = 0.1
    for doc, document in zip(nlp.pipe(texts(33)), documents):
        others = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.spans["bio_ner"]}
        others -= {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        candidates = [row for row in rows(output, CANDIDATES) if row["document"] == document["document"]]
        assert {(row["start"], row["end"], row["label"]) for row in candidates} == others
        assert all(0.0999 < row["probability"] < 1 for row in candidates)
    for row in (*found, *documents, *rows(output, CANDIDATES)):
        assert (row["model"], row["model_version"]) == ("en_pipeline", "0.0.0") and len(row["model_hash"]) == 64
    assert [document["document"] for document in documents] == [f"d{i}" for i in range(33)]
    assert [(error["id"], error["place"]) for error in errors(output)] == [("d3", "x.jsonl:34"), (None, "x.jsonl:35")]
    assert errors(output)[0]["cause"] == "found the id of x.jsonl:4 again, expected another"
    assert read_manifest(output).result == {
        "items": 35, "shards": 7, "documents": 33, "entities": len(found), "errors": 2
    }  # fmt: skip


def test_jsonl_has_the_same_rows(model, undisturbed, tmp_path):
    source, output = undisturbed
    annotate_paths(model, tmp_path / "out", source, format="jsonl")
    same(tmp_path / "out", output)
    assert json.loads((tmp_path / "out" / "entities" / "00000.jsonl").read_text().splitlines()[0]) == rows(output)[0]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_long_text_comes_back_whole(tmp_path, format):
    text = "\x01 fever" * 125_000  # longer when it is escaped
    row = {"document": "a", "date": None, "text": text, "tokens": 1, "entities": 0}
    tables = {DOCUMENTS: [row, row | {"text": "fever"}], ENTITIES: [], CANDIDATES: []}
    write_shard(tmp_path, format, 0, tables, ("x", "1", "0"), Record("", 2, 0, []))
    assert [row["text"] for row in rows(tmp_path, DOCUMENTS)] == [text, "fever"]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_an_output_without_entities_is_a_table_too(model, tmp_path, format):
    (tmp_path / "x.txt").write_text(".\n")
    annotate_paths(model, tmp_path / "out", tmp_path / "x.txt", format=format)
    assert rows(tmp_path / "out") == [] and len(rows(tmp_path / "out", DOCUMENTS)) == 1


def test_min_confidence(model, undisturbed, tmp_path):
    source, output = undisturbed
    least = sorted(row["probability"] for row in rows(output))[10]
    annotate_paths(model, tmp_path / "out", source, min_confidence=least)
    assert rows(tmp_path / "out") == [row for row in rows(output) if row["probability"] >= least]
    assert sum(row["entities"] for row in rows(tmp_path / "out", DOCUMENTS)) == len(rows(output)) - 10
    assert len(rows(tmp_path / "out", CANDIDATES)) == len(rows(output, CANDIDATES)) + 10


def test_entities_of_other_components_have_no_probability_and_stay(model, tmp_path):
    nlp = spacy.load(model)
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DATE", "pattern": "and"}])
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "x.txt").write_text("Aspirin and warfarin .\n")
    annotate_paths(tmp_path / "model", tmp_path / "out", tmp_path / "x.txt", min_confidence=0.01)
    found = {row["text"]: row["probability"] for row in rows(tmp_path / "out")}
    assert found["and"] is None and found["Aspirin"] > 0.5


def test_texts_that_cannot_be_processed_cost_no_others(model, tmp_path):
    nlp = spacy.load(model)
    nlp.add_pipe("fails_on_crash", last=True)
    nlp.to_disk(tmp_path / "model")
    lines = texts(12)
    lines[2:2] = ["fever " * 200_000, "crash and fever"]
    (tmp_path / "x.txt").write_text("\n".join(lines))
    annotate_paths(tmp_path / "model", tmp_path / "out", tmp_path / "x.txt")
    assert [row["text"] for row in rows(tmp_path / "out", DOCUMENTS)] == texts(12)
    assert [(error["id"], error["cause"]) for error in errors(tmp_path / "out")] == [
        ("x.txt:3", "found 1200000 characters, expected no more than nlp.max_length, 1000000"),
        ("x.txt:4", "the pipeline failed: RuntimeError: no such thing"),
    ]


@settings(max_examples=8, deadline=None)
@given(stop=st.integers(0, 6), lost=st.sets(st.integers(0, 20), max_size=4), again=st.none() | st.integers(0, 3))
def test_a_run_goes_on_wherever_it_was_cut_off(undisturbed, model, tmp_path_factory, stop, lost, again):
    source, expected = undisturbed
    output = tmp_path_factory.mktemp("x") / "out"
    for n in (stop, again):
        if n is not None:
            try:
                annotate_paths(model, output, source, engine=stops_after(n))
            except KeyboardInterrupt:
                pass
        files = sorted(path for path in output.glob("*/*"))
        for i in lost:
            if i < len(files):
                files[i].unlink()
    for name in ("documents", "entities", "shards"):
        (output / name).mkdir(exist_ok=True)
        (output / name / ".00009.parquet-1").write_bytes(b"half")
    annotate_paths(model, output, source)
    same(output, expected)
    assert not list(output.glob("**/.*"))


def test_what_is_whole_is_not_done_again(undisturbed, model, tmp_path):
    source, expected = undisturbed
    shutil.copytree(expected, tmp_path / "out")
    annotate_paths(model, tmp_path / "out", source, engine=stops_after(0))
    (tmp_path / "out" / "shards" / "00003.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, tmp_path / "out", source, engine=stops_after(0))


@pytest.mark.parametrize(
    "change, reason",
    [
        (dict(text=True), "the input x.jsonl has changed"),
        (dict(another=True), "the input y.jsonl was not there"),
        (dict(gone=True), "the input x.jsonl is no longer there"),
        (dict(order=True), "the inputs are in another order"),
        (dict(model=True), r"the pipeline's hash was '\w{64}' and is '\w{64}'"),
        (dict(min_confidence=0.5), r"the setting min_confidence was 0.0 and is 0.5"),
        (dict(shard_size=7), r"the setting shard was \[5, 1000000\] and is \[7, 1000000\]"),
        (dict(format="jsonl"), "the setting format was 'parquet' and is 'jsonl'"),
    ],
)
def test_a_run_of_something_else_is_refused(model, tmp_path, change, reason):
    first, second = write_texts(tmp_path / "x.jsonl", 12), write_texts(tmp_path / "z.jsonl", 3, seed=1)
    second.write_text(second.read_text().replace('"d', '"e'))
    paths, output = [first, second], tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, output, *paths, engine=stops_after(1))
    before = {path: path.read_bytes() for path in output.rglob("*.*")}
    if change.pop("text", False):
        first.write_text(first.read_text().replace("d11", "d12"))
    if change.pop("another", False):
        paths.append(write_texts(tmp_path / "y.jsonl", 1))
    if change.pop("gone", False):
        paths = [second]
    if change.pop("order", False):
        paths = [second, first]
    if change.pop("model", False):
        nlp = spacy.load(model)
        nlp.get_pipe("bio_ner").cfg["threshold"] = 0.1
        model = tmp_path / "model"
        nlp.to_disk(model)
    with pytest.raises(InputError, match=reason):
        annotate_paths(model, output, *paths, **change)
    assert {path: path.read_bytes() for path in output.rglob("*.*")} == before


def test_inputs_that_change_while_they_are_read_are_noticed(undisturbed, model, tmp_path, monkeypatch):
    source, expected = undisturbed
    path = tmp_path / "x.jsonl"
    shutil.copy(source, path)
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, tmp_path / "out", path, engine=stops_after(2))
    monkeypatch.setattr(runs.manifests, "digest_inputs", lambda sources: read_manifest(tmp_path / "out").inputs)
    path.write_text(path.read_text().replace("d6", "d66"))
    with pytest.raises(InputError, match="shard 1 is of other texts: inputs have changed"):
        annotate_paths(model, tmp_path / "out", path)
    path.write_text(source.read_text() + '{"text": "more"}\n')
    with pytest.raises(InputError, match="found 36 inputs, but 35 when the run began"):
        annotate_paths(model, tmp_path / "out", path)


def test_a_worker_with_another_pipeline_is_noticed(undisturbed, model, tmp_path):
    source, _ = undisturbed
    shutil.copytree(model, tmp_path / "model")
    job = make_job(tmp_path / "model", tmp_path / "out")
    (tmp_path / "model" / "meta.json").write_text((model / "meta.json").read_text().replace("0.0.0", "0.0.1"))
    with pytest.raises(InputError, match="found another pipeline"):
        annotate(job, find_sources([source])[0], engine=serial)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, SHARD_CHARS + 1)), st.integers(1, 5))
def test_shards_hold_all_items_in_order_and_no_more_than_they_may(lengths, size):
    items = [Text(str(i), "x" * length, "") for i, length in enumerate(lengths)]
    shards = [shard.items for shard in cut_shards(items, size)]
    assert [item for shard in shards for item in shard] == items
    for i, shard in enumerate(shards):
        n_chars = [len(item.text) for item in shard]
        assert 0 < len(shard) <= size and sum(n_chars[:-1]) < SHARD_CHARS
        assert i == len(shards) - 1 or len(shard) == size or sum(n_chars) >= SHARD_CHARS


def test_long_texts_make_small_batches():
    assert [len(part) for part in cut([Text("", "x" * 40, "")] * 7, 4, 100)] == [3, 3, 1]


def start(model, source, output, *options):
    """Start the command in a group of processes of its own."""
    command = [sys.executable, "-m", "spacy", "bio-ner", "annotate", model, source, "-o", output, *options]
    return subprocess.Popen(
        [str(part) for part in command], start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_killed_and_resumed(model, tmp_path):
    source = write_texts(tmp_path / "x.jsonl", 1500)
    options = ("--shard-size", "10", "--n-process", "2")
    output, shards = tmp_path / "out", tmp_path / "out" / "shards"

    # The command itself: its workers end with it
    process = start(model, source, output, *options)
    wait_for(lambda: len(list(shards.glob("0*"))) >= 3)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    n_shards = len(list(shards.glob("0*")))
    assert n_shards < 150

    # A worker: the command says so and ends
    process = start(model, source, output, *options)
    wait_for(lambda: len(list(shards.glob("0*"))) >= n_shards + 3)
    for pid in children(process.pid):
        if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
            break
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1 and b"a worker process ended before its work was done" in said, said
    assert b"Traceback" not in said
    assert len(list(shards.glob("0*"))) < 150

    process = start(model, source, output, *options)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    annotate_paths(model, tmp_path / "expected", source, shard_size=10)
    same(output, tmp_path / "expected")


def test_workers_have_one_thread(model, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with local._one_thread():
        assert all(os.environ[name] == "1" for name in local.THREADS)
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
from spacy.cli import setup_cli
setup_cli()
"""


def test_a_disk_that_is_full(model, undisturbed, tmp_path):
    """A file can grow to 10,000 bytes only: the tables of one shard of all texts are larger, those of 7 are not."""
    source = write_texts(tmp_path / "x.jsonl", 600)
    command = [sys.executable, "-c", LIMITED, "10000", "bio-ner", "annotate", model, source, "-o", tmp_path / "out"]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert result.returncode == 1 and "00000.parquet: File too large" in result.stdout, (
        result and "Traceback" not in result.stderr
    )
    assert not list((tmp_path / "out").glob("*/*"))
    annotate_paths(model, tmp_path / "out", source, shard_size=1000)
    assert len(rows(tmp_path / "out", DOCUMENTS)) == 600


def test_command(model, undisturbed, tmp_path, monkeypatch):
    source, expected = undisturbed
    result = run_cli(model, source, "-o", tmp_path / "out", "--shard-size", SHARD)
    assert result.exit_code == 0, result.output
    assert "Wrote 33 documents" in result.output and "2 inputs could not be annotated" in result.output
    same(tmp_path / "out", expected)
    monkeypatch.setattr(local, "run", lambda job, shards, n_process: serial(job, shards))
    result = run_cli(model, "-", "-o", tmp_path / "stdin", "--shard-size", SHARD, stdin=source.read_text())
    assert result.exit_code == 0, result.output
    assert [row["document"] for row in rows(tmp_path / "stdin")] == [row["document"] for row in rows(expected)]
    result = run_cli(model, "-", "-o", tmp_path / "stdin", stdin="Fever\n")
    assert result.exit_code == 1 and "the standard input is another" in result.output


def test_command_that_cannot_begin(model, undisturbed, tmp_path):
    source, expected = undisturbed
    (tmp_path / "file").write_text("")
    (tmp_path / "x.jsonl").write_text('{"body": "Fever"}\n')
    (tmp_path / "out" / "entities").mkdir(parents=True)
    spacy.blank("en").to_disk(tmp_path / "blank")
    for args, said in (
        ((model, source, "-o", tmp_path / "file"), "file: found a file, expected a folder to write to"),
        ((model, source, "-o", tmp_path / "file" / "out"), "Not a directory"),
        ((model, source, "-o", tmp_path / "out"), "out: found entities without manifest.json, expected a new folder"),
        ((tmp_path / "none", source, "-o", tmp_path / "new"), "none: cannot load the pipeline"),
        ((tmp_path / "blank", source, "-o", tmp_path / "new"), "no component of the pipeline sets doc.ents"),
        ((model, tmp_path, "-o", tmp_path / "new"), "would be read as a part of the input"),
        ((model, tmp_path / "none", "-o", tmp_path / "new"), "none: no such file or folder"),
        (
            (model, tmp_path / "x.jsonl", "-o", tmp_path / "new"),
            "found no text in the inputs\nx.jsonl:1: found no 'text'",
        ),
        ((model, source, "-o", tmp_path / "new", "--format", "xml"), "--format xml: unknown, expected text, files"),
    ):
        result = run_cli(*args)
        assert result.exit_code == 1 and said in result.output, result.output
    assert not (tmp_path / "new").exists()


def test_optional_packages_are_named_when_they_are_missing_and_not_loaded_before():
    code = (
        "import sys, spacy_bio_ner.cli, spacy_bio_ner.component\n"
        "heavy = {'pyarrow', 'pandas', 'matplotlib', 'ray'} & set(sys.modules); assert not heavy, heavy\n"
        "sys.modules['pyarrow'] = None\n"
        "from spacy.cli import setup_cli; sys.argv[1:] = ['bio-ner', 'annotate', 'x', 'y', '-o', 'z']; setup_cli()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1 and "pip install 'spacy-bio-ner[scale]'" in result.stdout, result.stderr


def test_only_leftovers_of_its_own_are_removed(tmp_path):
    (tmp_path / "entities").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".00000.parquet-12").write_text("not of this run")
    (tmp_path / "documents").symlink_to(outside, target_is_directory=True)
    own = [tmp_path / "entities" / ".00003.parquet-77", tmp_path / ".errors.jsonl-77", tmp_path / ".manifest.json-1"]
    others = [tmp_path / "entities" / ".my-notes", tmp_path / ".errors.jsonl-notes", outside / ".00000.parquet-12"]
    for path in (*own, *others[:2]):
        path.write_text("")
    remove_leftovers(tmp_path)
    assert [path.exists() for path in own] == [False] * 3
    assert [path.exists() for path in others] == [True] * 3


def test_linked_folder_of_tables_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "entities").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(InputError, match="entities: found a link"):
        go_on(tmp_path / "out", Manifest({}, {}, {}))
