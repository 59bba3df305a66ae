"""Documents to label next, and the way from them to a better pipeline."""

import json

import pytest
import spacy
from spacy.cli import app
from spacy.cli.train import train
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.corpora.docbin import read_docs

pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

from spacy_bio_ner.annotate.results import open_results  # noqa: E402
from spacy_bio_ner.asking.documents import select_documents  # noqa: E402
from spacy_bio_ner.asking.tools import WRITERS, Tool  # noqa: E402

from ..conftest import SMALL_MODEL  # noqa: E402
from ..insights.test_insights import write_run  # noqa: E402

WORDS = "what was seen after the first week of treatment in each group of patients and what was not".split()


def run_cli(*args):
    result = CliRunner().invoke(app, ["bio-ner", *map(str, args)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def suggest(run, n):
    return select_documents(open_results(run), n)


def mentions(label, *probabilities, texts=("fever",)):
    return [(label, texts[i % len(texts)], p) for i, p in enumerate(probabilities)]


def test_the_least_certain_come_first_and_labels_take_turns(tmp_path):
    documents = [
        ("sure", None, mentions("X", 1.0, 0.99)),
        ("x1", None, mentions("X", 0.2, 0.9, texts=("one", "two"))),
        ("x2", None, mentions("X", 0.3, texts=("three",))),
        ("x3", None, mentions("X", 0.4, texts=("four",))),
        ("y1", None, mentions("Y", 0.8, texts=("five",))),
        ("both", None, mentions("X", 0.7, texts=("six",)) + mentions("Y", 0.9, texts=("seven",))),
        ("none", None, []),
        ("missed", None, mentions("?Y", 0.19, texts=("eight",))),
    ]
    found = suggest(write_run(tmp_path, documents), 10)
    assert [row.document for row in found] == ["x1", "y1", "x2", "missed", "x3", "both", "sure"]
    assert [row.expected_errors for row in found] == pytest.approx([0.9, 0.2, 0.7, 0.19, 0.6, 0.4, 0.01])
    assert found[3].entities == [] and found[5].entities == [(5, 8, "X"), (24, 29, "Y")]
    assert found[5].text[24:29] == "seven"
    assert [row.document for row in suggest(tmp_path, 2)] == ["x1", "y1"]


def test_for_as_many_errors_the_shorter_document_comes_first(tmp_path):
    long = mentions("X", 0.5, *[1.0] * 30, texts=("a", "b", "c"))
    found = suggest(write_run(tmp_path, [("long", None, long), ("short", None, mentions("X", 0.5))]), 2)
    assert [row.document for row in found] == ["short", "long"]


def test_what_repeats_another_is_left_out(tmp_path):
    nearly = [*WORDS[:-1], "fever"]
    documents = [
        ("a", None, [("X", word, 0.5) for word in WORDS]),
        ("nearly a", None, [("X", word, 0.6) for word in nearly]),
        ("short", None, mentions("X", 0.7)),
        ("short again", None, mentions("X", 0.8)),
    ]
    assert [row.document for row in suggest(write_run(tmp_path, documents), 4)] == ["a", "short"]


def test_from_errors_to_data_to_a_pipeline(tmp_path):
    documents = [
        (f"d{i}", None, [("Chemical", f"lithium{i}", 0.5 + i / 100), ("Disease", "fever", 0.8)]) for i in range(12)
    ]
    write_run(tmp_path / "run", documents)
    for tool in ("prodigy", "doccano"):
        asked, answered = tmp_path / f"{tool}.jsonl", tmp_path / tool / "train.jsonl"
        result = run_cli("suggest", tmp_path / "run", asked, "-n", 10, "--tool", tool)
        assert result.exit_code == 0 and "Wrote 10 documents" in result.output, result.output
        answered.parent.mkdir()
        with answered.open("w") as file:
            for line in asked.read_text().splitlines():  # the annotator takes a span out and accepts the rest
                entry = json.loads(line)
                (entry["spans"] if tool == "prodigy" else entry["label"]).pop()
                file.write(json.dumps(entry | ({"answer": "accept"} if tool == "prodigy" else {"id": 1})) + "\n")
        (tmp_path / tool / "dev.jsonl").write_bytes(answered.read_bytes())
        result = run_cli("convert", tmp_path / tool, tmp_path / f"{tool}-corpus")
        assert result.exit_code == 0, result.output
        docs = list(read_docs(tmp_path / f"{tool}-corpus" / "train.spacy", spacy.blank("en").vocab))
        assert len(docs) == 10 and all([ent.label_ for ent in doc.ents] == ["Chemical"] for doc in docs)
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    paths = {"train": str(tmp_path / "prodigy-corpus/train.spacy"), "dev": str(tmp_path / "prodigy-corpus/dev.spacy")}
    config = nlp.config.merge({"paths": paths, "training": {"max_steps": 20, "eval_frequency": 10}})
    config["corpora"] = {
        name: {"@readers": "spacy.Corpus.v1", "path": path, "gold_preproc": False, "max_length": 0, "limit": 0}
        | {"augmenter": None} for name, path in paths.items()
    }  # fmt: skip
    config.to_disk(tmp_path / "config.cfg")
    train(tmp_path / "config.cfg", tmp_path / "training")
    assert spacy.load(tmp_path / "training" / "model-last").get_pipe("bio_ner").labels == ("Chemical",)


def test_command_that_cannot_begin(tmp_path):
    write_run(tmp_path / "sure", [("a", None, mentions("X", 1.0, None))])
    write_run(tmp_path / "run")
    write_run(tmp_path / "cut")
    (tmp_path / "cut" / "documents" / "00000.parquet").write_bytes(b"")
    for args, said in (
        ((tmp_path, "x.jsonl"), "found no manifest.json, expected a folder written by 'bio-ner annotate'"),
        ((tmp_path / "sure", tmp_path / "x.jsonl"), "found no entity that may be wrong, expected entities with"),
        ((tmp_path / "run", tmp_path), "found a folder, expected a file to write"),
        ((tmp_path / "cut", tmp_path / "x.jsonl"), "00000.parquet: is not as it was written"),
    ):
        result = run_cli("suggest", *args)
        assert result.exit_code == 1 and said in result.output, result.output
    assert run_cli("suggest", tmp_path / "run", tmp_path / "x.jsonl", "--tool", "word").exit_code == 2
    assert not (tmp_path / "x.jsonl").exists()


def test_every_tool_has_a_writer():
    assert set(WRITERS) == set(Tool)
