"""Rasa's training data."""

import pytest

from spacy_bio_ner.corpora.formats import rasa
from spacy_bio_ner.corpora.formats.registry import detect_format

from ..reading import check_errors, marked, read, write_file

FILE = """version: "3.1"
nlu:  # what people say
- intent: book_table
  examples: |
    - book a table in [Rome](city) for [two]{"entity": "people", "value": "2", "role": "guests"}

    - table at [noon](time:12:00)
- synonym: city
  examples: |
    - town
- lookup: cities
  examples: |
    - Rome
- intent: faq/ask_weather
  examples:
  - text: |
      weather in [New York][{"entity": "city"}, {"entity": "state"}]
    metadata: x
  - plain [text](kind)
rules: []
"""
EXPECTED = [
    ("book a table in Rome for two", [("Rome", "city"), ("two", "people")]),
    ("table at noon", [("noon", "time")]),
    ("weather in New York", [("New York", "city"), ("New York", "state")]),
    ("plain text", [("text", "kind")]),
]


@pytest.mark.parametrize("content", [FILE, FILE.replace("\n", "\r\n"), "\ufeff" + FILE])
def test_examples(tmp_path, content):
    path = write_file(tmp_path / "corpus", content)
    assert detect_format(path) == "rasa"
    records, ledger = read(rasa, path)
    assert not ledger.errors
    assert [(record.text, marked(record)) for record in records] == EXPECTED
    assert [record.cats["book_table"] for record in records] == [1.0, 1.0, 0.0, 0.0]
    assert all(set(record.cats) == {"book_table", "faq/ask_weather"} for record in records)
    assert +ledger.passed_over == {
        "roles and groups of entities": 1,
        "items under 'synonym'": 1,
        "items under 'lookup'": 1,
    }
    assert ledger.labels == {
        "city": f"{path}:5", "people": f"{path}:5", "time": f"{path}:7", "state": f"{path}:17", "kind": f"{path}:19",
    }  # fmt: skip


HEAD = "nlu:\n- intent: greet\n  examples: |\n    - hi [you](who)\n"


@pytest.mark.parametrize(
    "line, message",
    [
        ("    hi", "found 'hi', expected an example: - and its text"),
        ("    - hi [you]( )", "found '[you]( )', expected [text](label)"),
        ("    - hi [ ](x)", "found '[ ](x)', expected [text](label)"),
        ('    - hi [you]{"value": "x"}', "[0].entity: found nothing in {'value': 'x'}"),
        ("    - hi [you]{x}", "not JSON (Expecting property name"),
        ("    - hi [you]{", "found 'hi [you]{', expected entities as [text](label)"),
        ("    - hi [you](who", "found 'hi [you](who', expected entities as [text](label)"),
        ("    - hi [[you]](who)", "expected entities as [text](label)"),
        ('    - hi [you]{"entity": "a", "entity": "b"}', "found the key 'entity' twice"),
    ],
)
def test_refusals_of_examples(tmp_path, line, message):
    path = write_file(tmp_path / "corpus", f"{HEAD}{line}\n")
    check_errors(rasa, path, [(f"{path}:5", message)])


@pytest.mark.parametrize(
    "content, message",
    [
        ("nlu:\n- intent: [a\n", "not Rasa's YAML as expected: Invalid YAML: while parsing a flow sequence"),
        ("nlu:\n- intent: a\n  intent: b\n", "found duplicate key"),
        ("nlu:\n  intent: a\n", "nlu: found {'intent': 'a'}, expected a list"),
        ("nlu:\n- 5\n", "nlu[0]: found 5, expected an object"),
        ("nlu:\n- intent: 5\n", "nlu[0].intent: found 5, expected a string"),
        ("a\n", "nlu: found None, expected a list"),
        (b"nlu:\n- intent: caf\xe9\n", "byte 0xe9 at position 14 is not UTF-8"),
    ],
)
def test_refusals_of_files(tmp_path, content, message):
    path = write_file(tmp_path / "corpus", content)
    _, ledger = read(rasa, path)
    assert ledger.n_errors == 1 and message in ledger.errors[0], ledger.errors
