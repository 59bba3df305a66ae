"""Readers and writers of texts with mentions: PubTator, JSON Lines, brat."""

import io
import json
import tracemalloc
from dataclasses import replace

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bio_ner.corpora.formats import brat, jsonl, pubtator
from spacy_bio_ner.corpora.ledger import Report
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.corpora.source_mentions import SourceMention, set_source
from spacy_bio_ner.util import InputError

NLP = spacy.blank("en")
FILE_READERS = [pubtator, jsonl]


def read(reader, path):
    report = Report(path)
    return list(reader.read(path, report)), report


def read_good(reader, path):
    records, report = read(reader, path)
    assert report.errors == [] and report.n_errors == 0
    assert not report.mentions  # counting is for the alignment
    return records


def read_file(reader, tmp_path, content):
    path = tmp_path / "corpus"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    return read_good(reader, path)


def texts(record):
    return [record.text[mention.start : mention.end] for mention in record.mentions]


def check_errors(reader, source, expected):
    """Each error has its file and line, and nothing else is found wrong."""
    _, report = read(reader, source)
    assert report.n_errors == len(expected), report.errors
    for error, (place, message) in zip(report.errors, expected):
        assert error.startswith(f"{place}: "), error
        assert message in error


# PubTator

TITLE = "7|t|Fever after aspirin"
ABSTRACT = "7|a|No fever."
FEVER = "7\t0\t5\tFever\tDIS\tD1"
ASPIRIN = "7\t12\t19\taspirin\tCHEM\t-1"
SECOND_FEVER = "7\t23\t28\tfever\tDIS\tD1"


def lines(*parts):
    return "\n".join(parts) + "\n"


PUBTATOR = lines(TITLE, ABSTRACT, FEVER, ASPIRIN, SECOND_FEVER, "7\tCID\tD1\tC2", "", "8|t|Rest", "8|a|", "")
PUBTATOR_RECORDS = [
    Record(
        text="Fever after aspirin No fever.",
        mentions=[Mention(0, 5, "DIS", "D1"), Mention(12, 19, "CHEM"), Mention(23, 28, "DIS", "D1")],
        sent_starts=[0, 20],
        document="7",
    ),
    Record(text="Rest ", sent_starts=[0], document="8"),
]


@pytest.mark.parametrize(
    "content",
    [
        PUBTATOR,
        PUBTATOR.replace("\n", "\r\n"),
        "\ufeff" + PUBTATOR,
        "\ufeff" + PUBTATOR.replace("\n", "\r\n"),
        PUBTATOR.rstrip("\n"),
        "\n \n" + PUBTATOR.replace("\n\n", "\n\n\t\n\n") + "\n\n",
        PUBTATOR.replace("\n\n", "\n"),  # a title starts a document too
    ],
    ids=["LF", "CRLF", "BOM", "BOM and CRLF", "no last line end", "blank lines", "no blank lines"],
)
def test_pubtator_variants(tmp_path, content):
    assert read_file(pubtator, tmp_path, content) == PUBTATOR_RECORDS


def test_pubtator_labels_have_the_place_where_they_occur_first(tmp_path):
    path = tmp_path / "corpus"
    path.write_text(PUBTATOR)
    assert read(pubtator, path)[1].labels == {"DIS": f"{path}:3", "CHEM": f"{path}:4"}


def test_pubtator_title_alone_and_relation_before_mentions(tmp_path):
    assert read_file(pubtator, tmp_path, lines("7|t|Fever", "7\tPositive_Correlation\tD1\tC2\tNovel", FEVER)) == [
        Record(text="Fever", mentions=[Mention(0, 5, "DIS", "D1")], sent_starts=[0], document="7")
    ]


def test_pubtator_keeps_overlapping_and_composite_mentions_whole(tmp_path):
    [record] = read_file(
        pubtator,
        tmp_path,
        lines(
            "7|t|Ocular and auditory toxicity",
            "7\t0\t28\tOcular and auditory toxicity\tDIS\tD14|D06\tOcular toxicity|auditory toxicity",
            "7\t11\t28\tauditory toxicity\tDIS\tD06",
            "7\t0\t19\tOcular and auditory\tSITE\t",
            "7\t0\t19\tOcular and auditory\tSITE\t-1",
        ),
    )
    assert record.mentions == [
        Mention(0, 28, "DIS", "D14|D06"),
        Mention(11, 28, "DIS", "D06"),
        Mention(0, 19, "SITE", ""),
        Mention(0, 19, "SITE", ""),
    ]


def test_pubtator_counts_characters(tmp_path):
    title = "\U0001f637 e\u0301\u2028\x85\x0c\x1c |t| \r\tFever"
    content = lines(f"7|t|{title}", ABSTRACT, "7\t15\t20\tFever\tDIS\t-1", "7\t24\t29\tfever\tDIS\t-1")
    [record] = read_file(pubtator, tmp_path, content)
    assert record.text == title + " No fever." and texts(record) == ["Fever", "fever"]


PUBTATOR_BAD = {
    "no tabs": (lines(TITLE, ABSTRACT, "rest of it"), [(3, "found 'rest of it', expected a mention: id, start, end")]),
    "few columns": (
        lines(TITLE, ABSTRACT, "7\t0\t5\tFever\tDIS"),
        [(3, "found 5 columns, expected 6: id, start, end, text, type, concept (-1 for none)")],
    ),
    "other id": (lines(TITLE, ABSTRACT, "8" + FEVER[1:]), [(3, "found the document id '8', expected '7'")]),
    "other id of a relation": (lines(TITLE, "8\tCID\tD1\tC2"), [(2, "found the document id '8', expected '7'")]),
    "other id of the abstract": (
        lines(TITLE, "8|a|No fever.", FEVER),
        [(2, "found the abstract of '8', expected that of '7'")],
    ),
    "start is end": (lines(TITLE, "7\t5\t5\t\tDIS\tD1"), [(2, "found start 5 and end 5, expected start before end")]),
    "start after end": (lines(TITLE, "7\t5\t0\tFever\tDIS\tD1"), [(2, "found start 5 and end 0, expected start")]),
    "end outside": (
        lines(TITLE, "7\t12\t20\taspirin\tDIS\tD1"),
        [(2, "found start 12 and end 20, expected start before end, both inside the text of 19 characters")],
    ),
    "no integer": (lines(TITLE, "7\t0\t5.0\tFever\tDIS\tD1"), [(2, "found '0' and '5.0' as start and end, expected")]),
    "negative start": (lines(TITLE, "7\t-5\t5\tFever\tDIS\tD1"), [(2, "found '-5' and '5' as start and end")]),
    "empty start": (lines(TITLE, "7\t\t5\tFever\tDIS\tD1"), [(2, "found '' and '5' as start and end")]),
    "huge end": (lines(TITLE, f"7\t0\t{'9' * 5000}\tFever\tDIS\tD1"), [(2, "found '0' and '9999")]),
    "other text": (
        lines(TITLE, ABSTRACT, "7\t22\t27\tfever\tDIS\tD1"),
        [(3, "found the mention 'fever', but the text has ' feve' at 22-27: offsets count characters")],
    ),
    "no type": (lines(TITLE, "7\t0\t5\tFever\t \tD1"), [(2, "found the type ' ', expected a name")]),
    "abstract first": (
        lines(ABSTRACT, TITLE, FEVER),
        [(1, "found '7|a|No fever.', expected a document to start with its title: id|t|title")],
    ),
    "mention first": (lines(TITLE, "", FEVER), [(3, "expected a document to start with its title")]),
    "abstract after mentions": (lines(TITLE, FEVER, ABSTRACT), [(3, "expected one abstract, on the line after")]),
    "two abstracts": (lines(TITLE, ABSTRACT, ABSTRACT), [(3, "expected one abstract, on the line after the title")]),
    "id twice": (
        lines(TITLE, FEVER, "", "8|t|Rest", "", TITLE, FEVER),
        [(6, "found the document id '7' of line 1 again, expected another")],
    ),
    "empty id": (lines("|t|Fever"), [(1, "found '|t|Fever', expected a document to start with its title")]),
    "cut in a mention": (
        lines(TITLE, ABSTRACT, FEVER, ASPIRIN)[:-12],
        [(4, "found 4 columns, expected 6")],
    ),
    "cut in a title": (lines(TITLE, "", "8|"), [(3, "found '8|', expected a document to start with its title")]),
    "not UTF-8": (
        lines(TITLE, ABSTRACT, FEVER, SECOND_FEVER).encode().replace(b"No f", b"N\xe9 f"),
        [(2, "byte 0xe9 at position 6 is not UTF-8: save the file as UTF-8")],
    ),
    "each wrong line, and the next document": (
        lines(TITLE, "7\t0\t5\tfever\tDIS\tD1", ASPIRIN, "7\t0\t99\tFever\tDIS\tD1", "", "8|t|A", "8\t0\t1\tB\tX\tC"),
        [(2, "found the mention 'fever'"), (4, "end 99"), (7, "found the mention 'B', but the text has 'A' at 0-1")],
    ),
}


@pytest.mark.parametrize("name", PUBTATOR_BAD)
def test_pubtator_errors_have_their_place(tmp_path, name):
    content, expected = PUBTATOR_BAD[name]
    path = tmp_path / "corpus.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    check_errors(pubtator, path, [(f"{path}:{line}", message) for line, message in expected])


def test_pubtator_reads_on_after_an_error(tmp_path):
    path = tmp_path / "corpus"
    path.write_text(lines(TITLE, ABSTRACT, "7\t0\t5\tfever\tDIS\tD1", "") + PUBTATOR.replace("7", "9"))
    records, report = read(pubtator, path)
    assert [record.document for record in records] == ["9", "8"] and report.n_errors == 1


@pytest.mark.parametrize("name, mentions", [("Training", 9385), ("Development", 9591), ("Test", 9809)])
def test_pubtator_reads_a_public_corpus_whole(corpora, name, mentions):
    path = corpora / "bc5cdr" / f"CDR_{name}Set.PubTator.txt"
    assert pubtator.matches(path) and not jsonl.matches(path)
    records = read_good(pubtator, path)
    assert len(records) == 500 and sum(len(record.mentions) for record in records) == mentions
    assert {mention.label for record in records for mention in record.mentions} == {"Chemical", "Disease"}


# JSON Lines

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
    "too large": ('{"text": "a", "cats": {"A": 1e999}}', "found inf for the category 'A', expected a finite number"),
    "too large integer": (f'{{"text": "a", "cats": {{"A": {"9" * 400}}}}}', "for the category 'A', expected a finite"),
    "endless integer": ('{"text": "a", "x": ' + "9" * 5000 + "}", "found a number too large to read"),
    "deep": ('{"text": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "found values nested too deeply"),
    "no text": ('{"spans": []}', "found nothing as text, expected a string"),
    "null text": ('{"text": null}', "found nothing as text, expected a string"),
    "text a number": ('{"text": 5}', "found 5 as text, expected a string"),
    "data a list": ('{"data": ["a"]}', "found ['a'] as text, expected a string"),
    "half a pair": ('{"text": "a\\ud83d b"}', "found half of a surrogate pair ('\\ud83d') in the text"),
    "half a pair in label": (spans({**DIS, "label": "\ud83d"}), "spans[0]: found half of a surrogate pair ('\\ud83d')"),
    "rejected": (
        spans(DIS, answer="reject"),
        "found the answer 'reject', but only accepted examples can be used: filter",
    ),
    "ignored": (spans(DIS, answer="ignore"), "found the answer 'ignore', but only accepted examples can be used"),
    "spans an object": (json.dumps({**EXAMPLE, "spans": DIS}), "as spans, expected a list"),
    "empty object": (json.dumps({**EXAMPLE, "spans": {}}), "found {} as spans, expected a list"),
    "label a string": (json.dumps({**EXAMPLE, "label": "DIS"}), "found 'DIS' as label, expected a list"),
    "labels of the text": (
        json.dumps({**EXAMPLE, "label": ["DIS"]}),
        "label[0]: found 'DIS' as entity, expected an object",
    ),
    "two keys": (spans(DIS, entities=[[0, 5, "X"]]), "found spans and entities, expected the entities in one of them"),
    "list of two": (spans([0, 5]), "spans[0]: found [0, 5], expected [start, end, label]"),
    "list of four": (
        spans(DIS, [0, 5, "DIS", "D1"]),
        "spans[1]: found [0, 5, 'DIS', 'D1'], expected [start, end, label]",
    ),
    "true": (spans({**DIS, "start": True}), "spans[0]: found True as start, expected a whole number"),
    "false in a list": (spans([False, 5, "DIS"]), "spans[0]: found False as start, expected a whole number"),
    "float": (spans({**DIS, "end": 5.0}), "spans[0]: found 5.0 as end, expected a whole number"),
    "string offset": (spans({**DIS, "end": "5"}), "spans[0]: found '5' as end, expected a whole number"),
    "no end": (spans({"start": 0, "label": "DIS"}), "spans[0]: found nothing as end, expected a whole number"),
    "no start": (spans({"end_offset": 5, "label": "DIS"}), "spans[0]: found nothing as start_offset, expected"),
    "no offsets": (spans({"label": "DIS"}), "spans[0]: found no offsets in {'label': 'DIS'}, expected start and end"),
    "start is end": (spans({**DIS, "start": 5}), "spans[0]: found start 5 and end 5, expected start before end"),
    "start after end": (spans({**DIS, "start": 6}), "spans[0]: found start 6 and end 5, expected start before end"),
    "negative": (spans({**DIS, "start": -1}), "spans[0]: found start -1 and end 5, expected start before end"),
    "outside": (
        spans(DIS, {**CHEM, "end": 20}),
        "spans[1]: found start 12 and end 20, expected start before end, both",
    ),
    "no label": (spans({"start": 0, "end": 5}), "spans[0]: found nothing as label, expected a string"),
    "blank label": (spans({**DIS, "label": " "}), "spans[0]: found the label ' ', expected a name"),
    "label a number": (spans([0, 5, 7]), "spans[0]: found 7 as label, expected a string"),
    "kb_id a number": (spans({**DIS, "kb_id": 7}), "spans[0]: found 7 as kb_id, expected a string"),
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
    "no token end": (spans({"token_start": 0, "label": "X"}, tokens=TOKENS), "found nothing as token_end, expected"),
    "token a word": (
        spans({"token_start": 0, "token_end": 0, "label": "X"}, tokens=["Fever"]),
        "'Fever' as token, expected",
    ),
    "token without end": (
        spans({"token_start": 0, "token_end": 0, "label": "X"}, tokens=[{"start": 0}]),
        "spans[0]: found nothing as end of token 0, expected a whole number",
    ),
    "meta a string": (spans(meta="a"), "found 'a' as meta, expected an object"),
    "id a float": (spans(meta={"id": 1.5}), "found 1.5 as id, expected a string"),
    "id true": (spans(id=True), "found True as id, expected a string"),
    "cats a list": (spans(cats=["A"]), "found ['A'] as cats, expected an object"),
    "cat true": (spans(cats={"A": True}), "found True for the category 'A', expected a finite number"),
    "not UTF-8": (b'{"text": "caf\xe9"}', "byte 0xe9 at position 14 is not UTF-8: save the file as UTF-8"),
}


@pytest.mark.parametrize("name", JSONL_BAD)
def test_jsonl_errors_have_their_place(tmp_path, name):
    line, message = JSONL_BAD[name]
    path, good = tmp_path / "corpus.jsonl", spans(DIS).encode()
    path.write_bytes(b"\n".join([good, b"", line if isinstance(line, bytes) else line.encode("utf8"), good]))
    check_errors(jsonl, path, [(f"{path}:3", message)])
    records, report = read(jsonl, path)
    assert len(records) == 2 and len(report.errors[0]) < len(str(path)) + 250


# brat


def brat_folder(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        stem, suffix = name.rsplit("_", 1)
        (folder / f"{stem}.{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    return folder


TEXT = "Ocular and auditory\ntoxicity of aspirin.\n"


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_brat(tmp_path, bom, line_end):
    annotations = lines(
        "N1\tReference T1 MESH:D14\tocular toxicity",
        "T1\tDIS 0 6;20 28\tOcular toxicity",
        "T2\tDIS 11 28\tauditory toxicity",
        "",
        "T10\tCHEM 32 39\taspirin",
        "T4\tSITE 0 6;7 10\tOcular and",
        "R1\tCauses Arg1:T10 Arg2:T1",
        "E1\tEffect:T2 Cause:T10",
        "A1\tNegated E1",
        "M1\tNegated E1",
        "#1\tAnnotatorNotes T1\tunsure",
        "*\tEquiv T1 T2",
        "N2\tReference T10 CHEBI:15365\taspirin",
        "N3\tReference T1 UMLS:C1",
        "N4\tReference E1 GO:1\tno mention",
    )
    folder = brat_folder(tmp_path / "x", doc_txt=bom + TEXT, doc_ann=bom + annotations.replace("\n", line_end))
    assert brat.matches(folder)
    assert read_good(brat, folder) == [
        Record(
            text=TEXT,
            mentions=[
                Mention(0, 28, "DIS", "MESH:D14|UMLS:C1", ((0, 6), (20, 28))),
                Mention(11, 28, "DIS"),
                Mention(32, 39, "CHEM", "CHEBI:15365"),
                Mention(0, 10, "SITE", fragments=((0, 6), (7, 10))),
            ],
            document="doc",
        )
    ]
    assert read(brat, folder)[1].labels["CHEM"] == f"{folder / 'doc.ann'}:5"


@pytest.mark.parametrize("written", ["auditory\r toxicity", "auditory  toxicity"])
def test_brat_counts_the_characters_of_the_file(tmp_path, written):
    text = "\U0001f637 e\u0301 of\r\nauditory\r\ntoxicity\u2028 fever"
    annotations = f"T1\tDIS 9 27\t{written}\nT2\tDIS 29 34\tfever"
    [record] = read_good(brat, brat_folder(tmp_path, a_txt=text, a_ann=annotations))
    assert record.text == text and texts(record) == ["auditory\r\ntoxicity", "fever"]


def test_brat_reads_documents_in_the_order_of_their_names(tmp_path):
    names = ["b", "a", "a.2", "a-1"]
    brat_folder(tmp_path, **{f"{name}_{suffix}": "" for name in names for suffix in ("txt", "ann")}, notes_md="x")
    (tmp_path / "sub.txt").mkdir()
    assert read_good(brat, tmp_path) == [Record(text="", document=name) for name in sorted(names)]


T_LINE = "expected T1, tab, label start end (;start end for each part), tab, text"
BRAT_BAD = {
    "no offsets": ("T1\tDIS\tOcular", T_LINE),
    "no tab": ("T1 DIS 0 6 Ocular", T_LINE),
    "no text": ("T1\tDIS 0 6", T_LINE),
    "no label": ("T1\t0 6\tOcular", T_LINE),
    "negative": ("T1\tDIS -1 6\tOcular", T_LINE),
    "half a part": ("T1\tDIS 0 6;20\tOcular", T_LINE),
    "huge": (f"T1\tDIS 0 {'9' * 5000}\tOcular", T_LINE),
    "start is end": ("T1\tDIS 6 6\t", "found '6 6', expected each start before its end"),
    "start after end": ("T1\tDIS 6 0\tOcular", "found '6 0', expected each start before its end"),
    "outside": ("T1\tDIS 32 42\taspirin.\n", "all inside the text of 41 characters"),
    "parts overlap": (
        "T1\tDIS 0 6;5 10\tOcular r and",
        "found '0 6;5 10', expected each start before its end, parts in",
    ),
    "parts in disorder": (
        "T1\tDIS 20 28;0 6\ttoxicity Ocular",
        "found '20 28;0 6', expected each start before its end",
    ),
    "other text": (
        "T1\tDIS 1 7\tOcular",
        "found the mention 'Ocular', but the text has 'cular ' at 1 7: offsets count characters, line ends included",
    ),
    "other text in parts": ("T1\tDIS 0 6;20 28\tOcular  toxicity", "but the text has 'Ocular toxicity' at 0 6;20 28"),
    "id twice": ("T0\tDIS 0 6\tOcular", "found the id T0 again, expected another"),
    "no such mention": ("N1\tReference T5 MESH:D1\tx", "found a reference of T5, which the file does not have"),
    "no id": ("N1\tReference T0\tx", "expected N1, tab, Reference T1 DB:ID, tab, text"),
    "text": ("Ocular", "found 'Ocular', expected an annotation, such as T1, tab, label start end"),
    "not UTF-8": (b"#1\tNote T0\t\xe9", "byte 0xe9 at position 12 is not UTF-8: save the file as UTF-8"),
}


@pytest.mark.parametrize("name", BRAT_BAD)
def test_brat_errors_have_their_place(tmp_path, name):
    line, message = BRAT_BAD[name]
    first = b"T0\tDIS 0 6\tOcular\n\n"
    reference = b"\nN9\tReference T1 MESH:D1\tx" if name != "no such mention" and line[:2] == "T1" else b""
    annotations = first + (line if isinstance(line, bytes) else line.encode("utf8")) + reference
    folder = brat_folder(tmp_path / "x", a_txt=TEXT, a_ann=annotations, b_txt=TEXT, b_ann=first)
    check_errors(brat, folder, [(f"{folder / 'a.ann'}:3", message)])
    assert [record.document for record in read(brat, folder)[0]] == ["b"]


def test_brat_files_without_their_other_half(tmp_path):
    brat_folder(tmp_path, a_txt="", b_ann="", c_txt="", c_ann="")
    expected = [
        (f"{tmp_path / 'a.txt'}:1", "found no a.ann beside it: add it, empty if there is no entity"),
        (f"{tmp_path / 'b.ann'}:1", "found no b.txt beside it: add the text"),
    ]
    check_errors(brat, tmp_path, expected)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_brat_text_that_is_not_utf8(tmp_path, bom):
    brat_folder(tmp_path, a_txt=bom + b"one\r\ntwo\r\ncaf\xe9\r\nfour", a_ann="")
    check_errors(
        brat, tmp_path, [(f"{tmp_path / 'a.txt'}:3", "byte 0xe9 at position 4 is not UTF-8: save the file as")]
    )


# What format it is


@pytest.mark.parametrize(
    "content, matching",
    [
        (TITLE, pubtator),
        ("\ufeff\r\n  \n" + TITLE, pubtator),
        ("a b|t|", pubtator),
        (b"7|t|\xff", pubtator),
        (ABSTRACT, None),
        (FEVER, None),
        ("7\t|t|", None),
        ("|t|Fever", None),
        ('{"text": "a"}', jsonl),
        ('\ufeff\n {"a": []}\r\n7|t|', jsonl),
        (b'{"text": "\xff"}', jsonl),
        ("{", None),
        ("[{}]", None),
        ("null", None),
        ("[" * 100_000, None),
        ('{"a": 1, "a": 2}', None),
        ("", None),
        (" \n\n", None),
        (b"\xff\xfe{\x00}\x00", None),
        ("Fever B-DIS", None),
    ],
)
def test_format_is_told_by_content(tmp_path, content, matching):
    path = tmp_path / "corpus"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    assert [reader for reader in (pubtator, jsonl, brat) if reader.matches(path)] == [matching] * (matching is not None)


def test_folders_of_other_formats(tmp_path):
    assert not any(reader.matches(tmp_path / "absent") for reader in (pubtator, jsonl, brat))
    assert not any(reader.matches(tmp_path) for reader in (pubtator, jsonl, brat))
    brat_folder(tmp_path, a_txt="", b_ann="")
    assert not brat.matches(tmp_path)
    brat_folder(tmp_path, b_txt="")
    assert brat.matches(tmp_path)


@pytest.mark.parametrize(
    "reader, document",
    [(pubtator, "{0}|t|{1}\n{0}\t0\t1\tx\tX\t-1\n\n"), (jsonl, '{{"text": "{1}", "spans": [[0, 1, "X"]]}}\n')],
)
def test_one_document_is_in_memory_at_a_time(tmp_path, reader, document):
    path = tmp_path / "corpus"
    path.write_text("".join(document.format(i, "x" * 10_000) for i in range(400)))
    tracemalloc.start()
    try:
        assert sum(len(record.mentions) for record in reader.read(path, Report(path))) == 400
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 5
    finally:
        tracemalloc.stop()


# Writers

LABEL_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"), min_size=1, max_size=4)
LABELS = LABEL_TEXTS.filter(str.strip)
IDS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|\t\r\n\ufeff"), min_size=1)
KB_IDS = st.sampled_from(["", "D1", "D1|D2", "a b:\u00e9\U0001f637"])


def all_texts(exclude=""):
    common = st.sampled_from([c for c in "ab. \t\r\n\u2028\x85\ufeff\U0001f637\u0301|" if c not in exclude])
    return st.text(common | st.characters(exclude_categories=["Cs"], exclude_characters=exclude), max_size=30)


@st.composite
def documents(draw, exclude=""):
    """A text, mentions that overlap as they like, an id, the tokens that start sentences."""
    text = draw(all_texts(exclude))
    mentions = []
    for _ in range(draw(st.integers(0, 4 if text else 0))):
        start = draw(st.integers(0, len(text) - 1))
        mentions.append((start, draw(st.integers(start + 1, len(text))), draw(LABELS), draw(KB_IDS)))
    return text, mentions, draw(IDS), draw(st.none() | st.sets(st.integers(1, 10)))


def make_doc(text, mentions, document, starts):
    doc = NLP.make_doc(text)
    assert doc.text == text
    if starts is not None:
        for token in doc:
            token.is_sent_start = token.i in starts
    set_source(doc, document, [SourceMention(*mention) for mention in mentions])
    return doc


def write_and_read(reader, docs, path):
    with path.open("w", encoding="utf8", newline="") as file:
        reader.write(docs, file)
    return read_good(reader, path)


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


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(documents(exclude="\t\r\n"), max_size=3))
def test_pubtator_comes_back_as_it_went_in(tmp_path, drawn):
    ids = [document and f"{number}.{document}" for number, (_, _, document, _) in enumerate(drawn, 1)]
    docs = [make_doc(text, mentions, document, starts) for (text, mentions, _, starts), document in zip(drawn, ids)]
    found = write_and_read(pubtator, docs, tmp_path / "corpus")
    assert [replace(record, sent_starts=[]) for record in found] == [
        Record(text=text, mentions=[Mention(*mention) for mention in mentions], document=document or str(number))
        for number, ((text, mentions, _, _), document) in enumerate(zip(drawn, ids), 1)
    ]


def test_pubtator_is_written_with_title_and_abstract():
    def written(words, spaces, starts, kb_id="D1"):
        doc = spacy.tokens.Doc(NLP.vocab, words=words, spaces=spaces, sent_starts=starts)
        doc.ents = [spacy.tokens.Span(doc, 2, 3, "X", kb_id=kb_id)]
        file = io.StringIO()
        pubtator.write([doc], file)
        return file.getvalue()

    ent = "1\t3\t4\tc\tX\tD1\n\n"
    assert written(list("a.cd"), [0, 1, 1, 0], [1, 0, 1, 0]) == "1|t|a.\n1|a|c d\n" + ent
    assert written(list("a.cd"), [0, 1, 1, 0], None) == "1|t|a. c d\n" + ent
    assert written(list("a.cd"), [0, 1, 1, 0], [1, 0, 0, 0]) == "1|t|a. c d\n" + ent
    assert written(list("a.cd"), [0, 1, 1, 0], None, "") == "1|t|a. c d\n" + ent.replace("D1", "-1")
    ent = "1\t2\t3\tc\tX\tD1\n\n"
    assert written(list("a.cd"), [0, 0, 1, 0], [1, 0, 1, 0]) == "1|t|a.c d\n" + ent  # no space to cut at
    assert written(list("a cd"), [1, 0, 0, 0], [1, 0, 1, 0]) == "1|t|a  cd\n1\t3\t4\tc\tX\tD1\n\n"  # two spaces


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


@pytest.mark.parametrize(
    "docs, message",
    [
        ([("a\nb", [], "x", None)], "document 'x': PubTator has no place for the line breaks of its text"),
        ([("a", [], None, None), ("a\rb", [], None, None)], "document '2': PubTator has no place for the line breaks"),
        ([("a\tb", [(0, 3, "X", "")], "x", None)], r"document 'x': PubTator has no place for .* mention 'a\\tb'"),
        ([("a", [(0, 1, "X\tY", "")], "x", None)], "document 'x': PubTator has no place for an empty label, tabs"),
        ([("a", [(0, 1, " ", "")], "x", None)], "document 'x': PubTator has no place for an empty label, tabs"),
        ([("a", [(0, 1, "X", "D\n")], "x", None)], "document 'x': PubTator has no place for an empty label, tabs"),
        ([("a", [], "x", None), ("b", [], "x", None)], "document 'x': found a second Doc of it, expected one"),
        ([("a", [], "x|y", None)], r"document 'x\|y': PubTator ids cannot be empty"),
        ([("a", [], "", None)], "document '': PubTator ids cannot be empty"),
        ([("a", [], "\ufeffx", None)], "PubTator ids cannot be empty"),
    ],
)
def test_pubtator_refuses_to_write_what_would_not_come_back(docs, message):
    with pytest.raises(InputError, match=message):
        pubtator.write([make_doc(*doc) for doc in docs], io.StringIO())


def test_jsonl_refuses_to_write_categories_that_are_no_numbers():
    doc = NLP.make_doc("Fever")
    doc.cats = {"A": float("nan")}
    with pytest.raises(InputError, match="Doc 1: found the categories {'A': nan}, expected finite numbers"):
        jsonl.write([doc], io.StringIO())


# Whatever the bytes are

PIECES = {
    pubtator: [b"7|t|", b"7|a|", b"8|t|", b"7\t", b"\t", b"0", b"1", b"5", b"Fever", b"a", b"X", b"CID", b"\t-1", b"|"]
    + [b"7\t0\t1\ta\tX\t-1\n", b"7|t|a\n"],
    jsonl: [b'{"text": "Fever"', b'"spans": [', b'{"start": 0', b'"end": 5', b'"label": "X"', b"}", b"]", b"[", b"{"]
    + [b", ", b": ", b"0", b"5", b"1e999", b"NaN", b"true", b"null", b'"', b'"cats"', b'"meta"', b'"id"', b'"\\ud800"']
    + [b'{"text": "Fever", "spans": [', b"]}\n", b'[0, 5, "X"]', b'"label": [', b'"tokens": [', b'{"token_start": 0']
    + [b'"token_end": 0', b'"answer": "reject"', b"\\"],
    brat: [b"T1\t", b"T2\t", b"X ", b"0 ", b"1", b"5", b";", b"\t", b"Fever", b"a", b"N1\tReference T1 ", b"D:1", b"R1"]
    + [b"T1\tX 0 1\ta\n", b"#", b"*"],
}
ANYWHERE = [
    b"\n",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\xff",
    b"\xc3",
    b"\x00",
    b"\xef\xbb\xbf",
    "\u00e9\u2028\U0001f637".encode(),
]


SOUND = {
    pubtator: PUBTATOR.encode(),
    jsonl: "\n".join(
        [spans({**DIS, "kb_id": "D1"}, CHEM, meta={"id": "a"}), spans([0, 5, "X"], cats={"A": 1})]
    ).encode(),
    brat: b"T1\tX 0 1\ta\nN1\tReference T1 D:1\ta\nT2\tY 0 1;1 6\ta Fever\n",
}


@st.composite
def damaged(draw, reader):
    """A sound file in which a few places are overwritten."""
    content = SOUND[reader]
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(content)))
        piece = draw(st.sampled_from([b"", *PIECES[reader], *ANYWHERE]))
        content = content[:start] + piece + content[start + draw(st.integers(0, 3)) :]
    return content


def soup(reader):
    pieces = st.lists(st.sampled_from(PIECES[reader] + ANYWHERE), max_size=25).map(b"".join)
    return st.binary(max_size=60) | pieces | damaged(reader)


def check_soup(reader, path):
    assert reader.matches(path) in (True, False)
    try:
        records, report = read(reader, path)
    except InputError as err:
        assert str(path) in str(err)
        return
    assert all(error.startswith(str(path)) for error in report.errors)
    assert len(report.errors) == min(report.n_errors, 10)
    for record in records:
        assert NLP.make_doc(record.text).text == record.text
        for start, end, label, kb_id, _ in record.mentions:
            assert 0 <= start < end <= len(record.text)
            assert label.strip() and label in report.labels and (label + kb_id).encode("utf8")


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(FILE_READERS))
def test_byte_soup_in_a_file(tmp_path, data, reader):
    path = tmp_path / "soup"
    path.write_bytes(data.draw(soup(reader)))
    check_soup(reader, path)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=20) | st.just(b"aFever a\n"), soup(brat))
def test_byte_soup_in_a_folder(tmp_path, text, annotations):
    check_soup(brat, brat_folder(tmp_path / "soup", a_txt=text, a_ann=annotations))
