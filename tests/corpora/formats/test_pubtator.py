"""PubTator."""

import io
from dataclasses import replace

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_bio_ner.corpora.formats import jsonl, pubtator
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.util import InputError

from ..reading import NLP, check_errors, documents, lines, make_doc, read, read_file, read_good, texts, write_and_read

TITLE = "7|t|Fever after aspirin"
ABSTRACT = "7|a|No fever."
FEVER = "7\t0\t5\tFever\tDIS\tD1"
ASPIRIN = "7\t12\t19\taspirin\tCHEM\t-1"
SECOND_FEVER = "7\t23\t28\tfever\tDIS\tD1"


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
    records, ledger = read(pubtator, path)
    assert [record.document for record in records] == ["9", "8"] and ledger.n_errors == 1


@pytest.mark.parametrize("name, mentions", [("Training", 9385), ("Development", 9591), ("Test", 9809)])
def test_pubtator_reads_a_public_corpus_whole(corpora, name, mentions):
    path = corpora / "bc5cdr" / f"CDR_{name}Set.PubTator.txt"
    assert pubtator.matches(path) and not jsonl.matches(path)
    records = read_good(pubtator, path)
    assert len(records) == 500 and sum(len(record.mentions) for record in records) == mentions
    assert {mention.label for record in records for mention in record.mentions} == {"Chemical", "Disease"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
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
