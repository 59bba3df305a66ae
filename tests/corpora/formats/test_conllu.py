"""CoNLL-U with entities in MISC."""

import pytest

from spacy_bio_ner.corpora.formats import conllu
from spacy_bio_ner.corpora.formats.registry import detect_format

from ..reading import check_refused, read, read_file, write_file


def word(id, form, misc="_"):
    return "\t".join([str(id), form, *"_" * 7, misc])


FILE = "\n".join(
    [
        "# newdoc id = d1",
        "# sent_id = s1",
        "# text = Vámonos a Roma",
        "1-2\tVámonos" + "\t_" * 8,
        word(1, "Vamos", "NER=O"),
        word(2, "nos"),
        word(3, "a", "SpaceAfter=No"),
        word(4, "Nueva", "NER=B-LOC|SpaceAfter=No"),
        word(5, "Roma", "ner=I-LOC"),
        "5.1\tvacío" + "\t_" * 8,
        "",
        "# newdoc",
        word(1, "Ana", "NER=B-PER"),
        "",
    ]
)


@pytest.mark.parametrize("content", [FILE, FILE.replace("\n", "\r\n"), FILE.rstrip("\n"), "\ufeff" + FILE])
def test_misc(tmp_path, content):
    path = write_file(tmp_path / "corpus", content)
    assert detect_format(path) == "conllu"
    (first, second), ledger = read(conllu, path)
    assert first.words == ["Vamos", "nos", "a", "Nueva", "Roma"]
    assert first.tags == ["O", "O", "O", "B-LOC", "I-LOC"] and first.document == "d1"
    assert (second.words, second.tags, second.document) == (["Ana"], ["B-PER"], "2")
    assert not ledger.errors
    assert ledger.passed_over == {"comment lines": 4, "tokens of several words, empty nodes": 2}


@pytest.mark.parametrize("key", ["name", "NE", "Bio"])
def test_other_keys(tmp_path, key):
    [sentence] = read_file(conllu, tmp_path, word(1, "Ana", f"{key}=B-PER"))
    assert sentence.tags == ["B-PER"]


def test_the_key_can_be_named(tmp_path):
    content = word(1, "Ana", "Own=B-PER|NER=O|Gloss=I-PRON")
    [sentence] = read_file(conllu, tmp_path, content, entity_key="own")
    assert sentence.tags == ["B-PER"]


@pytest.mark.parametrize(
    "line, message",
    [
        (word(2, "x", "NERR=B-X"), "found a tag under NERR in 'NERR=B-X': use --entity-key NERR if it is meant"),
        (word(2, "x", "NER=B-X|name=B-X"), "found 2 tags in 'NER=B-X|name=B-X', expected one"),
        (word(2, " "), "found the form ' ', expected a word"),
        (word(3, "x"), "found the id '3', expected 2"),
        ("2\tx\tO", "found 3 columns, expected 10, with tabs between"),
        (word(2, "x") + "\r_", "expected a word"),
    ],
)
def test_refusals(tmp_path, line, message):
    check_refused(conllu, tmp_path, word(1, "Ana", "NER=B-PER") + "\n" + line + "\n", message)


def test_a_file_without_tags_is_refused(tmp_path):
    check_refused(conllu, tmp_path, word(1, "Ana", "SpaceAfter=No") + "\n", "found none of ner, ne, name")
