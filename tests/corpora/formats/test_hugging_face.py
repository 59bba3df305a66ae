"""Data sets of Hugging Face, and tables with lists in their cells."""

import json

import pytest

from spacy_bio_ner.corpora.formats import hugging_face, list_table
from spacy_bio_ner.corpora.formats.registry import detect_format

from ..reading import check_refused, read, read_file, write_file

NAMES = ["O", "B-PER", "I-PER", "B-ORG"]
ENTRY = {"id": "0", "tokens": ["EU", "saw", "Al"], "pos_tags": [1, 2, 3], "ner_tags": [3, 0, 1]}
NAMED = {**ENTRY, "ner_tags": ["B-ORG", "O", "B-PER"]}
CARD = """---
license: mit
dataset_info:
- config_name: default
  features:
  - name: id
    dtype: string
  - name: pos_tags
    sequence:
      class_label:
        names:
          '0': X
  - name: ner_tags
    sequence:
      class_label:
        names:
          '0': O
          '1': B-PER
          '2': I-PER
          '3': B-ORG
---
# A data set
"""
FEATURES = {
    "pos_tags": {"feature": {"names": ["X"], "_type": "ClassLabel"}, "_type": "Sequence"},
    "ner_tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"},
}


def check(records):
    [sentence] = records
    assert (sentence.words, sentence.tags) == (NAMED["tokens"], NAMED["ner_tags"])


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(NAMED),
        json.dumps([NAMED], indent=1),
        json.dumps({"words": NAMED["tokens"], "labels": NAMED["ner_tags"]}),
        json.dumps({"tokens": NAMED["tokens"], "tags": NAMED["ner_tags"]}),
    ],
)
def test_tags_by_name(tmp_path, content):
    assert detect_format(write_file(tmp_path / "corpus", content)) == "hugging-face"
    check(read_file(hugging_face, tmp_path, content))


@pytest.mark.parametrize(
    "file, content",
    [
        ("README.md", CARD),
        ("../README.md", CARD),
        ("dataset_infos.json", {"default": {"features": FEATURES}}),
        ("README.md", CARD.replace("sequence:", "list:").replace("'0'", "0")),
    ],
)
def test_names_of_numbered_tags_are_in_a_card(tmp_path, file, content):
    folder = tmp_path / "data" / "mine"
    write_file(folder / file, content)
    check(read_file(hugging_face, folder, ENTRY))


def test_names_of_numbered_tags_can_be_given(tmp_path):
    write_file(tmp_path / "README.md", CARD.replace("B-ORG", "B-XXX"))
    check(read_file(hugging_face, tmp_path, ENTRY, tag_names=NAMES))


@pytest.mark.parametrize("numbered", [True, False])
def test_parquet(tmp_path, numbered):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.table({key: [value] for key, value in (ENTRY if numbered else NAMED).items()})
    metadata = {"huggingface": json.dumps({"info": {"features": FEATURES}})} if numbered else None
    parquet.write_table(table.replace_schema_metadata(metadata), tmp_path / "corpus")
    assert detect_format(tmp_path / "corpus") == "hugging-face"
    records, ledger = read(hugging_face, tmp_path / "corpus")
    check(records)
    assert not ledger.errors


def test_blank_words_and_empty_sentences_are_counted(tmp_path):
    entries = [{"tokens": [], "ner_tags": []}, {"tokens": ["a", " ", ""], "ner_tags": ["B-X", "I-X", "O"]}]
    path = write_file(tmp_path / "corpus", entries)
    [sentence], ledger = read(hugging_face, path)
    assert sentence.words == ["a"] and sentence.tags == ["B-X"]
    assert ledger.passed_over == {"texts without a word": 1, "blank tokens": 2}


def test_the_key_of_tags_can_be_named(tmp_path):
    content = {"tokens": ["a"], "ner_tags": ["O"], "fine_ner_tags": ["B-X"]}
    [sentence] = read_file(hugging_face, tmp_path, content, entity_key="fine_ner_tags")
    assert sentence.tags == ["B-X"]


@pytest.mark.parametrize(
    "entry, message",
    [
        (ENTRY, "found numbers as ner_tags, but no names of them in the file, or in README.md or dataset_infos.json"),
        ({**NAMED, "ner_tags": ["O"]}, "found 1 ner_tags for 3 tokens, expected as many"),
        ({**NAMED, "tokens": ["a", 5, "b"]}, "tokens[1]: found 5, expected a string"),
        ({**NAMED, "ner_tags": ["O", 0, "O"]}, "ner_tags[1]: found 0, expected a string"),
        ({**NAMED, "ner_tags": [0, "O", 0]}, "ner_tags[1]: found 'O', expected a whole number"),
        ({**NAMED, "tokens": "EU"}, "tokens: found 'EU', expected a list"),
        ({"tokens": ["a"], "pos": ["O"]}, "found the keys ['tokens', 'pos'], expected tokens and ner_tags"),
        ({"tokens": [""], "ner_tags": ["B-X"]}, "the tag 'B-X' stands on an empty token"),
        ([5], "found 5, expected an object with words and their tags"),
    ],
)
def test_refusals(tmp_path, entry, message):
    check_refused(hugging_face, tmp_path, entry, message)


def test_numbers_without_a_name_and_cards_that_differ(tmp_path):
    message = "found the number 4 in ner_tags, expected 0 to 3"
    check_refused(hugging_face, tmp_path, {**ENTRY, "ner_tags": [4, 0, 0]}, message, tag_names=NAMES)
    other = {"ner_tags": {"feature": {"names": ["O"], "_type": "ClassLabel"}}}
    write_file(tmp_path / "dataset_infos.json", {"a": {"features": FEATURES}, "b": {"features": other}})
    check_refused(hugging_face, tmp_path, ENTRY, "found several lists of names for ner_tags: give the right one")


# Lists in the cells of a table


@pytest.mark.parametrize(
    "header, words, tags",
    [
        ("id,tokens,ner_tags", "['EU', 'saw', \"Al\"]", "['B-ORG', 'O', 'B-PER']"),
        ("Sentence #,Sentence,Tag", "EU saw Al", "['B-ORG', 'O', 'B-PER']"),
        ("id,text,labels", "EU saw Al", "B-ORG O B-PER"),
        ("id,tokens,ner_tags", "['EU' 'saw'\n 'Al']", "['B-ORG' 'O'\n 'B-PER']"),
        ("id,tokens,ner_tags", '["EU", "saw", "Al"]', "[3, 0, 1]"),
        ("id,tokens,ner_tags", '["EU", "saw", "Al"]', "[3 0\n 1]"),
    ],
    ids=["Python", "Kaggle", "blanks", "NumPy", "JSON and numbers", "NumPy's numbers"],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_lists_in_cells(tmp_path, header, words, tags, delimiter):
    if delimiter == "\t":  # has no quotes, so no line breaks
        words, tags, quote = words.replace("\n", ""), tags.replace("\n", ""), str
    else:
        quote = lambda cell: '"' + cell.replace('"', '""') + '"'  # noqa: E731
    rows = [header.split(","), ["0", quote(words), quote(tags)]]
    content = "\n".join(delimiter.join(row) for row in rows) + "\n"
    assert detect_format(write_file(tmp_path / "corpus", content)) == "list-table"
    check(read_file(list_table, tmp_path, content, tag_names=NAMES))


@pytest.mark.parametrize(
    "row, message",
    [
        ("\"['a', 'b']\",\"['O']\"", "found 1 tags for 2 words, expected as many"),
        ("\"['a', 'b'\",\"['O', 'O']\"", "found \"['a', 'b'\", expected a list of strings or numbers"),
        ('"[a, b]","[O, O]"', "found '[a, b]', expected a list of strings or numbers"),
        ("\"['a' ... 'b']\",\"['O', 'O']\"", "expected a list of strings or numbers"),
        ("\"[b'a']\",\"['O']\"", "expected a list of strings or numbers"),
        ('"[]","[]"', "found no word, expected a sentence"),
        ('"[\'a\']","[0]"', "found numbers as ner_tags, but no names of them"),
        ("\"['a']\"", "found 1 column(s), expected 2"),
        ("\"['a']\",\"['O']\",x", "found 3 column(s), expected 2"),
        ("\"['a',['O']", "not CSV as expected: unexpected end of data, in the row that starts here"),
    ],
)
def test_refusals_of_cells(tmp_path, row, message):
    check_refused(list_table, tmp_path, f"tokens,ner_tags\n\"['a']\",\"['O']\"\n{row}\n", message)
