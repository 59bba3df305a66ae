"""spaCy's TRAIN_DATA, and what NER Annotator exports."""

import json

import pytest

from spacy_bio_ner.corpora.formats import train_data
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.corpora.record import Mention, Record

from ..reading import check_errors, check_refused, read, write_file

PAIRS = [
    ["Uber blew $1 million", {"entities": [[0, 4, "ORG"], [10, 20, "MONEY"]]}],
    ["Google", {"entities": [], "cats": {"A": 1}}],
]
RECORDS = [
    Record(text=PAIRS[0][0], mentions=[Mention(0, 4, "ORG"), Mention(10, 20, "MONEY")]),
    Record(text="Google", cats={"A": 1.0}),
]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(PAIRS),
        json.dumps(PAIRS, indent=2),
        "\n".join(map(json.dumps, PAIRS)) + "\n",
        json.dumps({"classes": ["ORG", "MONEY"], "annotations": PAIRS}),
        json.dumps({"classes": ["ORG", "MONEY"], "annotations": PAIRS}, indent=1),
    ],
    ids=["a line", "several lines", "JSON Lines", "NER Annotator", "NER Annotator, several lines"],
)
def test_pairs(tmp_path, content):
    path = write_file(tmp_path / "corpus", content)
    assert detect_format(path) == "train-data"
    records, ledger = read(train_data, path)
    assert records == RECORDS and not ledger.errors and not ledger.passed_over


def test_one_pair_alone(tmp_path):
    for indent in (None, 2):
        path = write_file(tmp_path / "corpus", json.dumps(PAIRS[0], indent=indent))
        assert detect_format(path) == "train-data" and read(train_data, path)[0] == RECORDS[:1]


def test_what_is_passed_over_is_counted(tmp_path):
    entry = {"classes": [], "annotations": [None, ["a", {"entities": [], "links": {}}]]}
    _, ledger = read(train_data, write_file(tmp_path / "corpus", entry))
    assert ledger.passed_over == {"texts that nobody annotated": 1, "annotation under 'links'": 1}


@pytest.mark.parametrize(
    "entities, message",
    [
        ([[0, 4]], "entities[0]: found [0, 4], expected [start, end, label]"),
        ([[0, 9, "X"], [0, 4, "X", "Q1"]], "entities[1]: found [0, 4, 'X', 'Q1'], expected [start, end, label]"),
        ([["0", 4, "X"]], "entities[0][0]: found '0', expected a whole number"),
        ([[0, True, "X"]], "entities[0][1]: found True, expected a whole number"),
        ([[0, 4, 5]], "entities[0][2]: found 5, expected a string"),
        ([[0, 4, " "]], "entities[0][2]: found ' ', expected a name"),
        (
            [[0, 99, "X"]],
            "entities[0]: found start 0 and end 99, expected start before end, both inside the text of 20",
        ),
        ([5], "entities[0]: found 5, expected a list"),
        ({}, "entities: found {}, expected a list"),
    ],
)
def test_refusals_of_entities(tmp_path, entities, message):
    pair = [PAIRS[0][0], {"entities": entities}]
    path = write_file(tmp_path / "corpus", "[" + json.dumps(PAIRS[1]) + ",\n" + json.dumps(pair) + "]")
    check_errors(train_data, path, [(f"{path}:2", message)])
    check_refused(train_data, tmp_path, {"classes": [], "annotations": [PAIRS[0], pair]}, f"annotations[1]: {message}")


@pytest.mark.parametrize(
    "entry, message",
    [
        (["a", {}], "entities: found nothing in {}"),
        (["a", []], "found ['a', []], expected a text and its entities"),
        (["a"], "found ['a'], expected a text and its entities"),
        ({"classes": []}, "annotations: found None, expected a list"),
        ({"classes": [], "annotations": [5]}, "annotations[0]: found 5, expected a text and its entities"),
        (["\ud83d", {"entities": []}], "text: found half of a surrogate pair"),
    ],
)
def test_other_refusals(tmp_path, entry, message):
    check_refused(train_data, tmp_path, entry, message)
