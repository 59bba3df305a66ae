"""Formats told by content."""

import gzip
import json
import tracemalloc
import zipfile

import pytest

from spacy_bio_ner.corpora.formats import jsonl, pubtator
from spacy_bio_ner.corpora.formats.registry import FORMATS, detect_format
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.util import InputError

from ..reading import brat_folder, write_file
from .test_slots import write_slots


@pytest.mark.parametrize(
    "content, format",
    [
        ("7|t|Fever after aspirin\n7|a|No", "pubtator"),
        ("\ufeff\r\n  \n7|t|Fever", "pubtator"),
        ("a b|t|", "pubtator"),
        (b"7|t|\xff", "pubtator"),
        ("7|a|No fever.", "bio"),
        ("7\t|t|", "bio"),
        ("|t|Fever", "bio"),
        ('{"text": "a"}', "jsonl"),
        ('\ufeff\n {"a": []}\r\n7|t|', "jsonl"),
        (b'{"text": "\xff"}', "jsonl"),
        ('{"a": 1, "a": 2}', "jsonl"),
        ("[{}]", "jsonl"),
        ('[\n {\n "text": "a"\n}]', "jsonl"),
        ('{"text": "a", "tokens": [{"text": "a"}], "labels": []}', "jsonl"),
        ('{"text": "a", "tokens": ["a"], "labels": [[0, 1, "X"]]}', "jsonl"),
        ("{", "bio"),
        ("[]", "bio"),
        ("null", "bio"),
        ("[" * 100_000, "bio"),
        ('{"a": ' + "[" * 100_000, "bio"),
        ("", "bio"),
        (" \n\n", "bio"),
        (b"\xff\xfe{\x00}\x00", "bio"),
        ("Fever B-DIS", "bio"),
        ("[ O\nx B-X\n", "bio"),
        ("nlu: O\nx B-X\n", "bio"),
        ("<collection O\nx B-X\n", "bioc"),
        (b"PAR1\x00\x00", None),
    ],
)
def test_format_is_told_by_content(tmp_path, content, format):
    path = write_file(tmp_path / "corpus", content)
    if format is None:
        with pytest.raises(InputError, match="not Parquet as expected, or damaged"):
            detect_format(path)
    else:
        assert detect_format(path) == format


def test_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found a folder, expected a file"):
        detect_format(tmp_path / "empty")
    brat_folder(tmp_path / "brat", a_txt="", b_ann="")
    with pytest.raises(InputError, match="found a folder, expected a file"):
        detect_format(tmp_path / "brat")
    brat_folder(tmp_path / "brat", b_TXT="")
    assert detect_format(tmp_path / "brat") == "brat"
    assert detect_format(write_slots(tmp_path / "slots")) == "slots"


def test_packed_files_have_to_be_unpacked(tmp_path):
    write_file(tmp_path / "train.iob.gz", gzip.compress(b"a B-X\n"))
    with zipfile.ZipFile(tmp_path / "train.xlsx", "w") as file:
        file.writestr("a", "b")
    for name, kind in (("train.iob.gz", "gzip"), ("train.xlsx", "zip, or a spreadsheet")):
        with pytest.raises(InputError, match=rf"{name}: found a packed file \({kind}\), expected a corpus: unpack it"):
            detect_format(tmp_path / name)


def test_no_format_matches_what_another_is_sure_of(tmp_path):
    """Each file format's own first lines are told by it alone, but for the two that take what is left."""
    samples = {
        "pubtator": "7|t|a\n",
        "webanno": "#FORMAT=WebAnno TSV 3.3\n",
        "bioc": '{"documents": []}',
        "rasa": "nlu:\n",
        "massive": '{"utt": "a", "annot_utt": "a"}',
        "label-studio": '{"data": {"text": "a"}, "annotations": []}',
        "train-data": '["a", {"entities": []}]',
        "hugging-face": '{"tokens": ["a"], "ner_tags": [0]}',
        "csv": "Sentence #,Word,Tag\n",
        "list-table": "tokens,ner_tags\n",
        "conllu": "1\ta" + "\t_" * 8,
    }
    for name, content in samples.items():
        path = write_file(tmp_path / "corpus", content)
        found = {other for other, format in FORMATS.items() if not format.is_folder and format.matches(path)}
        assert found - {"bio", "jsonl"} == {name}, (name, found)


@pytest.mark.parametrize(
    "reader, document",
    [(pubtator, "{0}|t|{1}\n{0}\t0\t1\tx\tX\t-1\n\n"), (jsonl, '{{"text": "{1}", "spans": [[0, 1, "X"]]}}\n')],
)
def test_one_document_is_in_memory_at_a_time(tmp_path, reader, document):
    path = tmp_path / "corpus"
    path.write_text("".join(document.format(i, "x" * 10_000) for i in range(400)))
    tracemalloc.start()
    try:
        assert sum(len(record.mentions) for record in reader.read(path, Ledger(path))) == 400
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 5
    finally:
        tracemalloc.stop()


def test_a_large_array_is_told_by_its_first_entry(tmp_path):
    path = write_file(tmp_path / "corpus", json.dumps([["a", {"entities": []}]] * 1000, indent=1))
    assert detect_format(path) == "train-data"
