"""Texts with entities in JSON: Prodigy, doccano, Doc.to_json."""

import io
import json

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bio_ner.corpora.formats import jsonl
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.corpora.source_mentions import set_source, source_mentions
from spacy_bio_ner.util import InputError

from ..reading import (
    NLP,
    check_errors,
    check_refused,
    documents,
    make_doc,
    read,
    read_file,
    texts,
    write_and_read,
    write_file,
)

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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# Other keys, other tools


@pytest.mark.parametrize(
    "entry",
    [
        {
            **EXAMPLE,
            "ents": [DIS, CHEM],
            "tokens": [{"id": 0, "start": 0, "end": 5}],
            "sents": [{"start": 0, "end": 19}],
        },
        {**EXAMPLE, "ents": [DIS, CHEM], "spans": {"sc": [{"start": 0, "end": 19, "label": "X"}]}},
        {**EXAMPLE, "annotations": [{"label": "DIS", "start_offset": 0, "end_offset": 5, "user": 1}, CHEM]},
        {**EXAMPLE, "entities": [DIS, CHEM], "relations": [{"from_id": 1, "to_id": 2, "type": "causes"}]},
        {**EXAMPLE, "label": [], "entities": [DIS, CHEM]},
    ],
    ids=["Doc.to_json", "Doc.to_json with span groups", "old doccano", "doccano", "one key is empty"],
)
def test_known_keys(tmp_path, entry):
    [record] = read_file(jsonl, tmp_path, entry)
    assert record.mentions == MENTIONS


def test_what_is_no_entity_is_counted(tmp_path):
    path = tmp_path / "corpus"
    groups = {"sc": [{"start": 0, "end": 19, "label": "X"}], "other": []}
    entry = {**EXAMPLE, "ents": [DIS], "spans": groups, "relations": [{"from_id": 1, "to_id": 2}]}
    path.write_text(json.dumps(entry))
    _, ledger = read(jsonl, path)
    assert ledger.passed_over == {"spans of span groups": 1, "relations": 1}


@pytest.mark.parametrize(
    "extra, where",
    [
        ({"annots": [DIS]}, "annots[0]"),
        ({"named": {"entities": [[0, 5, "DIS"]]}}, "named.entities[0]"),
        (
            {"annotation": [{"label": ["DIS"], "points": [{"start": 0, "end": 4, "text": "Fever"}]}]},
            "annotation[0].points[0]",
        ),
        ({"x": [{"span": {"begin": 0, "end": 5}, "type": "DIS"}]}, "x[0].span"),
        ({"x": [{"offset": 0, "length": 5, "type": "DIS"}]}, "x[0]"),
        ({"x": {"startOffset": 0, "stopOffset": 5}}, "x"),
    ],
)
@pytest.mark.parametrize("spans", [None, [DIS]])
def test_unknown_key_that_holds_offsets_is_refused_by_name(tmp_path, extra, where, spans):
    key = next(iter(extra))
    entry = {**EXAMPLE, **extra, **({} if spans is None else {"spans": spans})}
    message = f"found offsets under {where}: use --entity-key {key} if they are entities"
    check_refused(jsonl, tmp_path, entry, message)


@pytest.mark.parametrize("key", ["annots", "named.entities"])
def test_the_key_of_entities_can_be_named(tmp_path, key):
    outer, _, inner = key.partition(".")
    entry = {**EXAMPLE, outer: {inner: [DIS, CHEM]} if inner else [DIS, CHEM], "spans": [{**DIS, "label": "GUESS"}]}
    path = write_file(tmp_path / "corpus", entry)
    [record], ledger = read(jsonl, path, entity_key=key)
    assert record.mentions == MENTIONS and not ledger.errors
    assert ledger.passed_over == {"entities under other keys": 1}


def test_a_file_without_any_entities_key_is_refused(tmp_path):
    content = '{"text": "a", "lang": "en"}\n{"text": "b"}\n'
    check_refused(
        jsonl, tmp_path, content, "found none of spans, label, labels, entities, ents, annotations in any text"
    )
    check_refused(jsonl, tmp_path, EXAMPLE, "found none of found in any text, but ['text']", entity_key="found")
    assert read_file(jsonl, tmp_path, '{"text": "a", "spans": []}\n{"text": "b"}\n')[1].text == "b"


def test_a_span_whose_own_text_is_another_is_refused(tmp_path):
    entry = {**EXAMPLE, "spans": [{**CHEM, "text": "warfarin"}]}
    check_refused(jsonl, tmp_path, entry, "spans[0]: found the mention 'warfarin', but the text has 'aspirin' at 12-19")
    assert read_file(jsonl, tmp_path, {**EXAMPLE, "spans": [{**CHEM, "text": "aspirin"}]})


@pytest.mark.parametrize("indent", [None, 2])
def test_json_arrays_and_objects_over_several_lines(tmp_path, indent):
    entries = [{**EXAMPLE, "spans": [DIS]}, {"text": "b"}]
    path = write_file(tmp_path / "corpus", json.dumps(entries, indent=indent))
    assert jsonl.matches(path)
    assert [record.text for record in read(jsonl, path)[0]] == [EXAMPLE["text"], "b"]
    path = write_file(tmp_path / "corpus", json.dumps(entries[0], indent=indent))
    assert jsonl.matches(path) and [record.mentions for record in read(jsonl, path)[0]] == [MENTIONS[:1]]


def test_errors_in_json_over_several_lines_have_their_line(tmp_path):
    bad = {**EXAMPLE, "spans": [{**DIS, "end": 99}]}
    path = write_file(tmp_path / "corpus", json.dumps([{**EXAMPLE, "spans": [DIS]}, bad], indent=1))
    [line] = [i for i, text in enumerate(path.read_text().split("\n"), 1) if text == " {"][1:]
    check_errors(jsonl, path, [(f"{path}:{line}", "spans[0]: found start 0 and end 99")])
    for cut, message in (("]", "not JSON (Expecting ',' delimiter"), ("", "not JSON")):
        path.write_text('[\n{"text": "a", "spans": []}\n' + cut.replace("]", "{}]"))
        _, ledger = read(jsonl, path)
        assert ledger.n_errors == 1 and f"{path}:3: {message}" in ledger.errors[0]
    path.write_text('[\n{"text": "a", "spans": []}]\n\n{}')
    check_errors(jsonl, path, [(f"{path}:4", "not JSON (Extra data at character 1)")])
    path.write_text('[{"text": "a", "spans": []},\n{"text": "a", "text": "b"}]')
    check_errors(jsonl, path, [(f"{path}:2", "found the key 'text' twice in an object")])


def test_parquet_rows_are_entries_too(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.table({"text": [EXAMPLE["text"], "b"], "entities": [[DIS, CHEM], None], "id": [1, 2]})
    parquet.write_table(table, tmp_path / "corpus")
    assert jsonl.matches(tmp_path / "corpus")
    first, second = read(jsonl, tmp_path / "corpus")[0]
    assert first.mentions == MENTIONS and second == Record(text="b", document="2")
    table = pyarrow.table({"text": ["a", "b"], "entities": [[], [[0, 1], [0, 9]]]})
    parquet.write_table(table, tmp_path / "corpus")
    check_errors(
        jsonl, tmp_path / "corpus", [(f"{tmp_path / 'corpus'}:2", "entities[0]: found [0, 1], expected [start")]
    )
    (tmp_path / "corpus").write_bytes((tmp_path / "corpus").read_bytes()[:-20])
    check_errors(jsonl, tmp_path / "corpus", [(f"{tmp_path / 'corpus'}:1", "not Parquet as expected, or damaged")])


def test_annotated_labels_and_answers_come_back(tmp_path):
    def doc_of(ents, missing, rejected=(), labels=None):
        doc = NLP.make_doc(EXAMPLE["text"])
        spans = [doc.char_span(start, end, label=label) for start, end, label, *_ in ents]
        doc.set_ents(spans, default="missing" if missing else "outside")
        if rejected:
            doc.spans["incorrect_spans"] = [doc.char_span(m.start, m.end, label=m.label) for m in rejected]
        set_source(doc, "a", source_mentions(doc), labels)
        return doc

    known = doc_of(MENTIONS[:1], False, labels=["DIS"])
    assert write_and_read(jsonl, [known], tmp_path / "corpus") == [
        Record(text=EXAMPLE["text"], mentions=MENTIONS[:1], document="a", annotated_labels=["DIS"])
    ]
    asked = doc_of(MENTIONS[:1], True, MENTIONS[1:])
    record = Record(text=EXAMPLE["text"], mentions=MENTIONS[:1], rejected=MENTIONS[1:], missing=[(0, 19)], document="a")
    assert write_and_read(jsonl, [asked], tmp_path / "corpus") == [record]
    only_no = doc_of([], True, MENTIONS)
    [record] = write_and_read(jsonl, [only_no], tmp_path / "corpus")
    assert record.rejected == MENTIONS and record.mentions == []


def test_jsonl_refuses_to_write_a_text_of_which_nothing_is_known():
    with pytest.raises(InputError, match="Doc 1: the format has no place for missing annotation"):
        jsonl.write([NLP.make_doc("Fever")], io.StringIO())
