"""Texts with entities in JSON: Prodigy, doccano, Doc.to_json."""

import io
import json

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bio_ner.corpora.formats import jsonl
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.util import InputError

from ..reading import NLP, check_errors, documents, make_doc, read, read_file, texts, write_and_read

EXAMPLE = {"text": "Fever after aspirin"}
DIS = {"start": 0, "end": 5, "label": "DIS"}
CHEM = {"start": 12, "end": 19, "label": "CHEM"}
MENTIONS = [Mention(0, 5, "DIS"), Mention(12, 19, "CHEM")]
TOKENS = [{"text": text, "start": start, "end": end} for text, start, end in [("Fever", 0, 5), ("after", 6, 11)]]


def test_jsonl_prodigy(tmp_path):
    entries = [
        {**EXAMPLE, "spans": [{**DIS, "kb_id": "D1|D2"}, CHEM], "meta": {"id": "a", "x": []}, "answer": "accept"},
        {**EXAMPLE, "spans": [], "meta": {"id": 5}, "cats": {"POS": 1, "NEG": 0.25}, "_input_hash": -3},
        {**EXAMPLE, "spans": None, "meta": None, "cats": None, "answer": None, "label": None},
        EXAMPLE,
        {"text": ""},
        {**EXAMPLE, "tokens": TOKENS, "spans": [{"token_start": 0, "token_end": 1, "label": "X"}]},
        {**EXAMPLE, "tokens": [], "spans": [{**DIS, "token_start": 7, "token_end": 9}]},
    ]
    assert read_file(jsonl, tmp_path, "\n".join(map(json.dumps, entries))) == [
        Record(text=EXAMPLE["text"], mentions=[Mention(0, 5, "DIS", "D1|D2"), MENTIONS[1]], document="a"),
        Record(text=EXAMPLE["text"], document="5", cats={"POS": 1.0, "NEG": 0.25}),
        Record(text=EXAMPLE["text"]),
        Record(text=EXAMPLE["text"]),
        Record(text=""),
        Record(text=EXAMPLE["text"], mentions=[Mention(0, 11, "X")]),  # Prodigy's token_end is the last token
        Record(text=EXAMPLE["text"], mentions=[Mention(0, 5, "DIS")]),
    ]


@pytest.mark.parametrize("text_key", ["text", "data"])
@pytest.mark.parametrize("key", ["label", "labels", "entities"])
@pytest.mark.parametrize(
    "items",
    [
        [[0, 5, "DIS"], [12, 19, "CHEM"]],
        [
            {"start_offset": s, "end_offset": e, "label": name, "id": 3}
            for s, e, name in [MENTIONS[0][:3], MENTIONS[1][:3]]
        ],
    ],
    ids=["lists", "objects"],
)
def test_jsonl_doccano(tmp_path, text_key, key, items):
    entry = {"id": 12, text_key: EXAMPLE["text"], key: items, "relations": [], "Comments": []}
    expected = Record(text=EXAMPLE["text"], mentions=MENTIONS, document="12")
    assert read_file(jsonl, tmp_path, json.dumps(entry) + "\n") == [expected]


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\n\n \n"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n"])
def test_jsonl_counts_characters(tmp_path, ensure_ascii, line_end, start):
    text = "\U0001f637 e\u0301\r\n\u2028\u2029\x85\x0b Fever"
    entry = {
        "text": text,
        "spans": [{"start": 11, "end": 16, "label": "\u00c4"}, {"start": 0, "end": 16, "label": "X"}],
    }
    content = start + (json.dumps(entry, ensure_ascii=ensure_ascii) + line_end) * 2
    first, second = read_file(jsonl, tmp_path, content)
    assert first == second and first.text == text
    assert texts(first) == ["Fever", text] and first.mentions[0].label == "\u00c4"


def test_jsonl_labels_have_the_place_where_they_occur_first(tmp_path):
    path = tmp_path / "corpus"
    path.write_text("\n".join(json.dumps({**EXAMPLE, "spans": spans}) for spans in ([DIS], [DIS, CHEM])))
    assert read(jsonl, path)[1].labels == {"DIS": f"{path}:1", "CHEM": f"{path}:2"}


def spans(*items, **more):
    return json.dumps({**EXAMPLE, "spans": list(items), **more})


JSONL_BAD = {
    "no JSON": ("{'text': 'a'}", "not JSON (Expecting property name enclosed in double quotes at character 2)"),
    "cut": ('{"text": "Fev', "not JSON (Unterminated string starting at at character 10)"),
    "two objects": ("{} {}", "not JSON (Extra data at character 4)"),
    "list": ('["Fever"]', "found ['Fever'], expected an object with a text and its entities"),
    "string": ('"Fever"', "found 'Fever', expected an object"),
    "null": ("null", "found None, expected an object"),
    "key twice": ('{"text": "a", "text": "b"}', "found the key 'text' twice in an object, expected it once"),
    "inner key twice": ('{"text": "a", "meta": {"a": 1, "a": null}}', "found the key 'a' twice in an object"),
    "NaN": ('{"text": "a", "cats": {"A": NaN}}', "found NaN, expected a finite number"),
    "-Infinity": ('{"text": "a", "score": -Infinity}', "found -Infinity, expected a finite number"),
    "too large": ('{"text": "a", "cats": {"A": 1e999}}', "cats.A: found inf, expected a finite number"),
    "too large integer": (f'{{"text": "a", "cats": {{"A": {"9" * 400}}}}}', "expected a finite number"),
    "endless integer": ('{"text": "a", "x": ' + "9" * 5000 + "}", "found a number too large to read"),
    "deep": ('{"text": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "found values nested too deeply"),
    "no text": ('{"spans": []}', "text: found nothing in {'spans': []}"),
    "null text": ('{"text": null}', "text: found nothing in {}"),
    "text a number": ('{"text": 5}', "text: found 5, expected a string"),
    "data a list": ('{"data": ["a"]}', "data: found ['a'], expected a string"),
    "half a pair": (
        '{"text": "a\\ud83d b"}',
        "text: found half of a surrogate pair ('\\ud83d'), expected whole characters",
    ),
    "half a pair in label": (
        spans({**DIS, "label": "\ud83d"}),
        "spans[0].label: found half of a surrogate pair ('\\ud83d')",
    ),
    "spans an object": (
        json.dumps({**EXAMPLE, "spans": DIS}),
        "spans: found {'start': 0, 'end': 5, 'label': 'DIS'}, expected a list",
    ),
    "empty object": (json.dumps({**EXAMPLE, "spans": {}}), "spans: found {}, expected a list"),
    "label a string": (json.dumps({**EXAMPLE, "label": "DIS"}), "label: found 'DIS', expected a list"),
    "labels of the text": (json.dumps({**EXAMPLE, "label": ["DIS"]}), "label[0]: found 'DIS', expected an object"),
    "two keys": (spans(DIS, entities=[[0, 5, "X"]]), "found spans and entities, expected the entities in one of them"),
    "list of two": (spans([0, 5]), "spans[0]: found [0, 5], expected [start, end, label]"),
    "list of four": (
        spans(DIS, [0, 5, "DIS", "D1"]),
        "spans[1]: found [0, 5, 'DIS', 'D1'], expected [start, end, label]",
    ),
    "true": (spans({**DIS, "start": True}), "spans[0].start: found True, expected a whole number"),
    "false in a list": (spans([False, 5, "DIS"]), "spans[0].start: found False, expected a whole number"),
    "float": (spans({**DIS, "end": 5.0}), "spans[0].end: found 5.0, expected a whole number"),
    "string offset": (spans({**DIS, "end": "5"}), "spans[0].end: found '5', expected a whole number"),
    "no end": (
        spans({"start": 0, "label": "DIS"}),
        "spans[0]: found no offsets in {'start': 0, 'label': 'DIS'}, expected start and end",
    ),
    "no start": (
        spans({"end_offset": 5, "label": "DIS"}),
        "spans[0]: found no offsets in {'end_offset': 5, 'label': 'DIS'}, expected start and end",
    ),
    "no offsets": (spans({"label": "DIS"}), "spans[0]: found no offsets in {'label': 'DIS'}, expected start and end"),
    "start is end": (spans({**DIS, "start": 5}), "spans[0]: found start 5 and end 5, expected start before end"),
    "start after end": (spans({**DIS, "start": 6}), "spans[0]: found start 6 and end 5, expected start before end"),
    "negative": (spans({**DIS, "start": -1}), "spans[0]: found start -1 and end 5, expected start before end"),
    "outside": (
        spans(DIS, {**CHEM, "end": 20}),
        "spans[1]: found start 12 and end 20, expected start before end, both",
    ),
    "no label": (spans({"start": 0, "end": 5}), "spans[0].label: found nothing in {'start': 0, 'end': 5}"),
    "blank label": (spans({**DIS, "label": " "}), "spans[0].label: found ' ', expected a name"),
    "label a number": (spans([0, 5, 7]), "spans[0].label: found 7, expected a string"),
    "kb_id a number": (spans({**DIS, "kb_id": 7}), "spans[0].kb_id: found 7, expected a string"),
    "no tokens": (
        spans({"token_start": 0, "token_end": 1, "label": "X"}),
        "spans[0]: found the token_start 0, but there are 0 tokens to resolve it by",
    ),
    "token outside": (
        spans({"token_start": 0, "token_end": 2, "label": "X"}, tokens=TOKENS),
        "spans[0]: found the token_end 2, but there are 2 tokens to resolve it by",
    ),
    "negative token": (
        spans({"token_start": -1, "token_end": 1, "label": "X"}, tokens=TOKENS),
        "the token_start -1, but",
    ),
    "no token end": (
        spans({"token_start": 0, "label": "X"}, tokens=TOKENS),
        "spans[0]: found the token_end None, but there are 2 tokens",
    ),
    "token a word": (
        spans({"token_start": 0, "token_end": 0, "label": "X"}, tokens=["Fever"]),
        "spans[0]: tokens[0]: found 'Fever', expected an object",
    ),
    "token without end": (
        spans({"token_start": 0, "token_end": 0, "label": "X"}, tokens=[{"start": 0}]),
        "spans[0]: tokens[0].end: found nothing in {'start': 0}",
    ),
    "meta a string": (spans(meta="a"), "meta: found 'a', expected an object"),
    "id a float": (spans(meta={"id": 1.5}), "id: found 1.5, expected a string"),
    "id true": (spans(id=True), "id: found True, expected a string"),
    "cats a list": (spans(cats=["A"]), "cats: found ['A'], expected an object"),
    "cat true": (spans(cats={"A": True}), "cats.A: found True, expected a finite number"),
    "not UTF-8": (b'{"text": "caf\xe9"}', "byte 0xe9 at position 14 is not UTF-8: save the file as UTF-8"),
    "answer": (spans(DIS, answer="maybe"), "answer: found 'maybe', expected 'accept', 'reject' or 'ignore'"),
}


@pytest.mark.parametrize("name", JSONL_BAD)
def test_jsonl_errors_have_their_place(tmp_path, name):
    line, message = JSONL_BAD[name]
    path, good = tmp_path / "corpus.jsonl", spans(DIS).encode()
    path.write_bytes(b"\n".join([good, b"", line if isinstance(line, bytes) else line.encode("utf8"), good]))
    check_errors(jsonl, path, [(f"{path}:3", message)])
    records, ledger = read(jsonl, path)
    assert len(records) == 2 and len(ledger.errors[0]) < len(str(path)) + 250


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(documents(), max_size=3), st.dictionaries(st.text(max_size=3), st.floats(-1e300, 1e300), max_size=2))
def test_jsonl_comes_back_as_it_went_in(tmp_path, drawn, cats):
    docs = [make_doc(*document) for document in drawn]
    for doc in docs:
        doc.cats = cats
    assert write_and_read(jsonl, docs, tmp_path / "corpus") == [
        Record(text=text, mentions=[Mention(*mention) for mention in mentions], document=document, cats=cats)
        for text, mentions, document, _ in drawn
    ]


def test_jsonl_is_written_as_prodigy_has_it():
    docs = [make_doc("Caf\u00e9\n\u2028", [(0, 4, "X", "Q1"), (0, 5, "Y", "")], "a", None), NLP.make_doc("Fever")]
    docs[0].cats = {"POS": True}
    docs[1].ents = [spacy.tokens.Span(docs[1], 0, 1, "DIS")]
    file = io.StringIO()
    jsonl.write(docs, file)
    spans = [{"start": 0, "end": 4, "label": "X", "kb_id": "Q1"}, {"start": 0, "end": 5, "label": "Y"}]
    first, second, end = file.getvalue().split("\n")
    assert json.loads(first) == {"text": "Caf\u00e9\n\u2028", "spans": spans, "meta": {"id": "a"}, "cats": {"POS": 1.0}}
    assert json.loads(second) == {"text": "Fever", "spans": [{"start": 0, "end": 5, "label": "DIS"}]}
    assert "Caf\u00e9" in first and end == ""


def test_jsonl_refuses_to_write_categories_that_are_no_numbers():
    doc = make_doc("Fever", [], None, None)
    doc.cats = {"A": float("nan")}
    with pytest.raises(InputError, match="Doc 1: found the categories {'A': nan}, expected finite numbers"):
        jsonl.write([doc], io.StringIO())
