"""Texts to tables: what the rows hold, and that a run that was cut off goes on as if it had not been."""

import gzip
import hashlib
import json
import os
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

from spacy_bio_ner.annotate import worker  # noqa: E402
from spacy_bio_ner.annotate.engines import processes  # noqa: E402
from spacy_bio_ner.annotate.engines.processes import Processes  # noqa: E402
from spacy_bio_ner.annotate.inputs.discovery import READERS, find_sources  # noqa: E402
from spacy_bio_ner.annotate.inputs.item import Text  # noqa: E402
from spacy_bio_ner.annotate.job import Kind, TableFormat  # noqa: E402
from spacy_bio_ner.annotate.manifest import Manifest, read_manifest, resume  # noqa: E402
from spacy_bio_ner.annotate.outputs import (  # noqa: E402
    CANDIDATES,
    DOCUMENTS,
    ENTITIES,
    Record,
    encode_tables,
    remove_leftovers,
    table_layout,
    write_shard,
)
from spacy_bio_ner.annotate.results import READERS as TABLE_READERS  # noqa: E402
from spacy_bio_ner.annotate.runner import annotate, locked  # noqa: E402
from spacy_bio_ner.annotate.shards import SHARD_CHARS, cut, cut_shards  # noqa: E402

from .conftest import SHARD, Serial, annotate_paths, assert_same, errors, rows, texts, write_texts  # noqa: E402


@Language.component("fails_on_crash")
def fails_on_crash(doc):
    if "crash" in doc.text:
        raise RuntimeError("no such thing")
    return doc


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
        assert (row["model"], row["model_version"]) == ("/".join(model.parts[-2:]), "0.0.0")
        assert len(row["model_hash"]) == 64
    assert [document["document"] for document in documents] == [f"d{i}" for i in range(33)]
    assert [(error["id"], error["place"]) for error in errors(output)] == [("d3", "x.jsonl:34"), (None, "x.jsonl:35")]
    assert errors(output)[0]["cause"] == "found the id of x.jsonl:4 again, expected another"
    assert read_manifest(output).result == {
        "items": 35, "shards": 7, "documents": 33, "entities": len(found), "errors": 2,
        "candidates": len(rows(output, CANDIDATES)),
    }  # fmt: skip


def test_jsonl_has_the_same_rows(model, undisturbed, tmp_path):
    source, output = undisturbed
    annotate_paths(model, tmp_path / "out", source, format=TableFormat.jsonl)
    assert_same(tmp_path / "out", output)
    assert json.loads((tmp_path / "out" / "entities" / "00000.jsonl").read_text().splitlines()[0]) == rows(output)[0]


@pytest.mark.parametrize("format", TableFormat)
def test_a_long_text_comes_back_whole(tmp_path, format):
    text = "\x01 fever" * 125_000  # longer when it is escaped
    row = {"document": "a", "date": None, "text": text, "tokens": 1, "entities": 0}
    tables = {DOCUMENTS: [row, row | {"text": "fever"}], ENTITIES: [], CANDIDATES: []}
    manifest = Manifest({"name": "x"}, {"format": format.value}, {})
    manifest.write(tmp_path)
    contents = encode_tables(format, tables, ("x", "1", "0"))
    write_shard(tmp_path, table_layout(format), contents, Record(manifest.run, 0, "", []))
    assert [row["text"] for row in rows(tmp_path, DOCUMENTS)] == [text, "fever"]


@pytest.mark.parametrize("format", TableFormat)
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


def test_tokens_that_a_later_component_merges(model, undisturbed, tmp_path):
    source, output = undisturbed
    nlp = spacy.load(model)
    nlp.add_pipe("merge_entities", last=True)
    nlp.to_disk(tmp_path / "model")
    annotate_paths(tmp_path / "model", tmp_path / "out", source)
    for name in (ENTITIES, CANDIDATES):
        found, expected = (
            [(row["document"], row["start"], row["end"], row["text"], row["label"]) for row in rows(path, name)]
            for path in (tmp_path / "out", output)
        )
        assert found == expected and found


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


@settings(max_examples=8)
@given(stop=st.integers(0, 6), lost=st.sets(st.integers(0, 20), max_size=4), again=st.none() | st.integers(0, 3))
def test_a_run_goes_on_wherever_it_was_cut_off(undisturbed, model, tmp_path_factory, stop, lost, again):
    source, expected = undisturbed
    output = tmp_path_factory.mktemp("x") / "out"
    for n in (stop, again):
        if n is not None:
            try:
                annotate_paths(model, output, source, engine=Serial(n))
            except KeyboardInterrupt:
                pass
        files = sorted(path for path in output.glob("*/*"))
        for i in lost:
            if i < len(files):
                files[i].unlink()
    for name in ("documents", "entities", "shards"):
        (output / name).mkdir(exist_ok=True)
        (output / name / f".00009.parquet-{'0' * 8}-1-{'0' * 8}").write_bytes(b"half")
    annotate_paths(model, output, source)
    assert_same(output, expected)
    assert [path.name for path in output.glob("**/.*")] == []


def test_what_is_whole_is_not_done_again(undisturbed, model, tmp_path):
    source, expected = undisturbed
    shutil.copytree(expected, tmp_path / "out")
    annotate_paths(model, tmp_path / "out", source, engine=Serial(0))
    (tmp_path / "out" / "shards" / "00003.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, tmp_path / "out", source, engine=Serial(0))


@pytest.mark.parametrize(
    "change, reason",
    [
        (dict(text=True), "the input x.jsonl has changed: it had .* bytes of jsonl and has .* bytes of jsonl"),
        (dict(another=True), "the input y.jsonl was not there"),
        (dict(gone=True), "the input x.jsonl is no longer there"),
        (dict(order=True), "the inputs are in another order"),
        (dict(model=True), r"the pipeline's hash was '\w{64}' and is '\w{64}'"),
        (dict(min_confidence=0.5), r"the setting min_confidence was 0.0 and is 0.5"),
        (dict(shard_size=7), r"the setting shard was \[5, 1000000\] and is \[7, 1000000\]"),
        (dict(format=TableFormat.jsonl), "the setting format was 'parquet' and is 'jsonl'"),
    ],
)
def test_a_run_of_something_else_is_refused(model, tmp_path, change, reason):
    first, second = write_texts(tmp_path / "x.jsonl", 12), write_texts(tmp_path / "z.jsonl", 3, seed=1)
    second.write_text(second.read_text().replace('"d', '"e'))
    paths, output = [first, second], tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, output, *paths, engine=Serial(1))
    before = {path: path.read_bytes() for path in output.rglob("*.*")}
    if change.pop("text", False):
        first.write_text(first.read_text().replace("d11", "d111"))
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


def test_inputs_that_have_changed_are_noticed(undisturbed, model, tmp_path):
    source, expected = undisturbed
    path = tmp_path / "x.jsonl"
    shutil.copy(source, path)
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, tmp_path / "out", path, engine=Serial(2))
    path.write_text(path.read_text().replace("d6", "c6"))  # as many bytes as before
    with pytest.raises(InputError, match="shard 1 is of other texts: inputs have changed"):
        annotate_paths(model, tmp_path / "out", path)


def test_an_input_that_is_written_to_while_it_is_read_is_noticed(model, tmp_path):
    path = write_texts(tmp_path / "x.jsonl", 12)

    class Overwriting(Serial):
        def run(self, job, shards):
            for record in super().run(job, shards):
                path.write_text(path.read_text().replace("d11", "c11"))
                yield record

    with pytest.raises(InputError, match="x.jsonl: was changed while it was read"):
        annotate_paths(model, tmp_path / "out", path, engine=Overwriting())
    assert read_manifest(tmp_path / "out").result is None


def test_the_manifest_says_what_was_read(undisturbed, tmp_path, model):
    source, output = undisturbed
    manifest = read_manifest(output)
    assert manifest.inputs == {"x.jsonl": {"kind": "jsonl", "bytes": source.stat().st_size}}
    assert manifest.checksums == {"x.jsonl": hashlib.sha256(source.read_bytes()).hexdigest()}
    packed = tmp_path / "x.jsonl.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    annotate_paths(model, tmp_path / "out", packed)
    assert read_manifest(tmp_path / "out").checksums == {packed.name: hashlib.sha256(packed.read_bytes()).hexdigest()}


def test_a_pipeline_that_was_moved_keeps_its_name_in_the_run(undisturbed, model, tmp_path):
    source, expected = undisturbed
    with pytest.raises(KeyboardInterrupt):
        annotate_paths(model, tmp_path / "out", source, engine=Serial(2))
    shutil.copytree(model, tmp_path / "elsewhere" / "model")
    annotate_paths(tmp_path / "elsewhere" / "model", tmp_path / "out", source)
    assert_same(tmp_path / "out", expected)


def test_a_worker_with_another_pipeline_is_noticed(undisturbed, model, tmp_path):
    source, _ = undisturbed
    shutil.copytree(model, tmp_path / "model")
    job = worker.Annotation(worker.describe(str(tmp_path / "model"), -1), tmp_path / "out")
    (tmp_path / "model" / "meta.json").write_text((model / "meta.json").read_text().replace("0.0.0", "0.0.1"))
    worker.load.cache_clear()  # as in another process
    with pytest.raises(InputError, match="found another pipeline"):
        annotate(job, find_sources([source])[0], Serial())


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


def start(python, model, source, output, *options):
    """Start the command in a group of processes of its own."""
    command = [python, "-m", "spacy", "bio-ner", "annotate", model, source, "-o", output, *options]
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
def test_killed_and_resumed(model, tmp_path, light_python, light_children):
    """The command is killed: its workers end with it, and so does its lock. A worker is killed: the run says so."""
    source, output = write_texts(tmp_path / "x.jsonl", 400), tmp_path / "out"
    process = start(light_python, model, source, output, "--shard-size", SHARD)
    wait_for(lambda: len(list(output.glob("shards/0*"))) >= 3)
    with pytest.raises(InputError, match="out: another run is at work on it"), locked(output):
        pass
    workers = children(process.pid)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert 3 <= len(list(output.glob("shards/0*"))) < 80

    class Killed(Processes):
        def run(self, job, shards):
            for record in super().run(job, shards):
                for pid in self._pool._processes:
                    os.kill(pid, signal.SIGKILL)
                yield record

    with locked(output), Killed() as engine:
        with pytest.raises(InputError, match="a worker process ended before its work was done"):
            annotate_paths(model, output, source, engine=engine)
    assert len(list(output.glob("shards/0*"))) < 80
    annotate_paths(model, output, source)
    annotate_paths(model, tmp_path / "expected", source)
    assert_same(output, tmp_path / "expected")


def test_workers_have_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with Processes():
        assert all(os.environ[name] == "1" for name in processes.THREADS)
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_a_disk_that_is_full(model, tmp_path, monkeypatch):
    """A file can grow to 10,000 bytes only: the tables of one shard of all texts are larger, those of 7 are not."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    source, before = write_texts(tmp_path / "x.jsonl", 600), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        result = run_cli(model, source, "-o", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == 1 and "00000.parquet: File too large" in result.output
    assert not list((tmp_path / "out").glob("*/*"))
    annotate_paths(model, tmp_path / "out", source, shard_size=1000)
    assert len(rows(tmp_path / "out", DOCUMENTS)) == 600


def test_command(model, undisturbed, tmp_path, monkeypatch, light_children):
    source, expected = undisturbed
    result = run_cli(model, source, "-o", tmp_path / "out", "--shard-size", SHARD)
    assert result.exit_code == 0, result.output
    assert "Wrote 33 documents" in result.output and "2 inputs could not be annotated" in result.output
    assert_same(tmp_path / "out", expected)
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    result = run_cli(model, "-", "-o", tmp_path / "stdin", "--shard-size", SHARD, stdin=source.read_text())
    assert result.exit_code == 0, result.output
    assert [row["document"] for row in rows(tmp_path / "stdin")] == [row["document"] for row in rows(expected)]
    result = run_cli(model, "-", "-o", tmp_path / "stdin", stdin="Fever\n")
    assert result.exit_code == 1 and "the standard input is another" in result.output


def test_command_that_cannot_begin(model, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    source, expected = undisturbed
    (tmp_path / "file").write_text("")
    (tmp_path / "x.jsonl").write_text('{"body": "Fever"}\n')
    (tmp_path / "wide.csv").write_text(",".join(f"column{i}" for i in range(2**20)) + "\n")
    (tmp_path / "out" / "entities").mkdir(parents=True)
    spacy.blank("en").to_disk(tmp_path / "blank")
    for args, said in (
        ((model, source, "-o", tmp_path / "file"), "file: found a file, expected a folder to write to"),
        ((model, source, "-o", tmp_path / "file" / "out"), "Not a directory"),
        ((model, source, "-o", tmp_path / "out"), "manifest.json: is not there. Found entities in "),
        ((tmp_path / "none", source, "-o", tmp_path / "new"), "none: cannot load the pipeline"),
        ((tmp_path / "blank", source, "-o", tmp_path / "new"), "no component of the pipeline sets doc.ents"),
        ((model, tmp_path, "-o", tmp_path / "new"), "would be read as a part of the input"),
        ((model, tmp_path / "none", "-o", tmp_path / "new"), "none: no such file or folder"),
        ((model, "/dev/null", "-o", tmp_path / "new"), "/dev/null: can be read once only, expected a file"),
        ((model, "-", "-o", tmp_path / "new"), "the standard input is empty"),
        (
            (model, tmp_path / "x.jsonl", "-o", tmp_path / "new"),
            "found no text in the first 1000 items of each input\nx.jsonl:1: found no 'text'",
        ),
        ((model, tmp_path / "wide.csv", "-o", tmp_path / "new"), "'column9' and 1048566 more, expected 'text'"),
    ):
        result = run_cli(*args)
        assert result.exit_code == 1 and said in result.output and len(result.output) < 2000, result.output
        assert not (tmp_path / "new").exists()
    result = run_cli(model, source, "-o", tmp_path / "new", "--format", "xml")
    assert result.exit_code == 2 and "xml" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are Unicode there")
def test_names_that_are_not_utf8(model, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    folder = tmp_path / "pile"
    folder.mkdir()
    for name, content in ((b"caf\xe9.txt", b"Fever\n\xff\n"), (b"\xff.txt.GZ", gzip.compress(b"Aspirin\n"))):
        (folder / os.fsdecode(name)).write_bytes(content)
    result = run_cli(model, folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    documents = [(row["document"], row["text"]) for row in rows(tmp_path / "out", DOCUMENTS)]
    assert documents == [(r"pile/caf\udce9.txt:1", "Fever"), (r"pile/\udcff.txt.GZ:1", "Aspirin")]
    assert [error["place"] for error in errors(tmp_path / "out")] == [r"pile/caf\udce9.txt:2"]
    result = run_cli(model, os.fsdecode(b"no\xff"), "-o", tmp_path / "new")
    assert result.exit_code == 1 and "no such file or folder" in result.output


def test_optional_packages_are_named_when_they_are_missing_and_not_loaded_before(light_python):
    code = (
        "import sys, spacy_bio_ner.cli, spacy_bio_ner.component\n"
        "heavy = {'pyarrow', 'pandas', 'matplotlib', 'ray'} & set(sys.modules); assert not heavy, heavy\n"
        "sys.modules['pyarrow'] = None\n"
        "from spacy.cli import setup_cli; sys.argv[1:] = ['bio-ner', 'annotate', 'x', 'y', '-o', 'z']; setup_cli()"
    )
    result = subprocess.run([light_python, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1 and "pip install 'spacy-bio-ner[scale]'" in result.stdout, result.stderr


def test_only_leftovers_of_its_own_are_removed(tmp_path):
    (tmp_path / "entities").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "documents").symlink_to(outside, target_is_directory=True)
    end = "-0123abcd-77-0123abcd"
    own = [
        tmp_path / "entities" / f".00003.parquet{end}", tmp_path / f".errors.jsonl{end}", tmp_path / f".stdin{end}"
    ]  # fmt: skip
    others = [
        tmp_path / "entities" / ".my-notes", tmp_path / "entities" / f".notes{end}", tmp_path / ".errors.jsonl-notes",
        outside / f".00000.parquet{end}",
    ]  # fmt: skip
    for path in (*own, *others):
        path.write_text("")
    remove_leftovers(tmp_path, table_layout(TableFormat.parquet))
    assert [path.exists() for path in own] == [False] * 3
    assert [path.exists() for path in others] == [True] * 4


def test_linked_folder_of_tables_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "entities").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(InputError, match="entities: found a link"):
        resume(tmp_path / "out", Manifest({}, {}, {}), table_layout(TableFormat.parquet))


def test_files_that_are_of_no_shard_are_named(undisturbed, model, tmp_path):
    source, expected = undisturbed
    shutil.copytree(expected, tmp_path / "out")
    shutil.copy(tmp_path / "out/entities/00003.parquet", tmp_path / "out/entities/00007.parquet")
    for use in (lambda: annotate_paths(model, tmp_path / "out", source), lambda: rows(tmp_path / "out")):
        with pytest.raises(InputError, match="00007.parquet: is (of no shard|not) of this run"):
            use()


def test_choices_are_those_that_can_be_read():
    assert set(READERS) == set(Kind) and set(TABLE_READERS) == set(TableFormat)
