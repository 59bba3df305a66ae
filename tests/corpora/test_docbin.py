"""DocBin as a source, and DocBin files that are damaged."""

import zlib

import numpy
import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.corpora.source_mentions import set_source, source_mentions
from spacy_bio_ner.util import InputError

from .reading import docs_of, output, run


def save(path, *docs):
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def test_docbin_is_a_source_too(tmp_path):
    nlp = spacy.blank("en")
    words = Doc(nlp.vocab, words=["a", "b"])
    words.set_ents([Span(words, 0, 1, label="X")], missing=[words[1:2]])
    text = nlp("Fever, after aspirin.")
    text.set_ents([Span(text, 0, 1, label="X", kb_id="D1")])
    DocBin(docs=[words, text]).to_disk(tmp_path / "train.spacy")
    [ledger] = convert(tmp_path / "train.spacy", tmp_path / "out").values()
    assert +ledger.mentions == {"kept": 2}
    first, second = docs_of(tmp_path / "out" / "train.spacy")
    assert [t.ent_iob for t in first] == [3, 0] and first.has_unknown_spaces
    assert second.text == text.text and [(e.text, e.kb_id_) for e in second.ents] == [("Fever", "D1")]


def test_user_data_is_packed_as_spacy_packs_it(tmp_path):
    spans = [{"start": 0, "end": 13, "label": "DIS"}, {"start": 6, "end": 13, "label": "X"}]
    srsly.write_jsonl(
        tmp_path / "train.jsonl", [{"text": "renal failure", "spans": spans}, {"text": "Café", "spans": []}]
    )
    convert(tmp_path / "train.jsonl", tmp_path / "out")
    written = DocBin().from_disk(tmp_path / "out" / "train.spacy")
    docs = list(written.get_docs(spacy.blank("en").vocab))
    assert docs[0].user_data and len(docs) == 2
    assert written.user_data == DocBin(docs=docs, store_user_data=True).user_data


def test_docs_that_nobody_annotated_stay_so(tmp_path):
    nlp = spacy.blank("en")
    save(tmp_path / "dev.spacy", nlp("Fever after aspirin"), Doc(nlp.vocab, words=["Fever", "."]))
    [ledger] = convert(tmp_path / "dev.spacy", tmp_path / "out").values()
    assert [token.ent_iob for doc in docs_of(tmp_path / "out" / "dev.spacy") for token in doc] == [0] * 5
    assert ledger.missing == 5


def test_rejected_spans_and_other_span_groups(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp("Fever after aspirin"), Doc(nlp.vocab, words=["Fever", "after", "aspirin"])]
    for doc in docs:
        doc.set_ents([], default="missing")
        doc.spans["incorrect_spans"] = [Span(doc, 2, 3, label="DIS")]
        doc.spans["sc"] = [Span(doc, 0, 1, label="X"), Span(doc, 0, 2, label="X")]
    save(tmp_path / "dev.spacy", *docs)
    [ledger] = convert(tmp_path / "dev.spacy", tmp_path / "out").values()
    assert ledger.rejected == {"kept": 2} and ledger.passed_over == {"spans of other span groups": 4}
    for doc in docs_of(tmp_path / "out" / "dev.spacy"):
        assert [(span.start, span.end, span.label_) for span in doc.spans["incorrect_spans"]] == [(2, 3, "DIS")]
        assert list(doc.spans) == ["incorrect_spans"]


def test_broken_docbin(tmp_path):
    (tmp_path / "train.spacy").write_bytes(b"no DocBin")
    result = run(tmp_path / "train.spacy", tmp_path / "out")
    assert result.exit_code == 1 and "train.spacy: not a DocBin file" in output(result)


@pytest.fixture
def parts(tmp_path, nlp):
    """What a DocBin file of three Docs holds, and a function that writes it."""
    docs = [nlp("Fever after aspirin"), nlp("More fever today"), nlp("No fever")]
    for doc in docs:
        doc.set_ents([Span(doc, 1, 2, label="DIS", kb_id="D1")])
        doc.spans["incorrect_spans"] = SpanGroup(doc, spans=[Span(doc, 0, 1, label="DIS")])
        set_source(doc, "7", source_mentions(doc))
        doc.cats = {"A": 1.0}
    content = DocBin(docs=docs, store_user_data=True).to_bytes()
    message = srsly.msgpack_loads(zlib.decompress(content))
    tokens = numpy.frombuffer(message["tokens"], dtype="uint64").reshape(-1, len(message["attrs"])).copy()

    def write(**changes):
        path = tmp_path / "train.spacy"
        path.write_bytes(zlib.compress(srsly.msgpack_dumps({**message, **changes})))
        return path

    return message, tokens, write


def check_damaged(path, match="train.spacy: Doc 2 is damaged"):
    docs = read_docs(path, spacy.blank("en").vocab)
    with pytest.raises(InputError, match=match):
        list(docs)


def column(message, name):
    return message["attrs"].index(spacy.attrs.IDS[name])


def test_undamaged(parts):
    _, _, write = parts
    assert [[ent.text for ent in doc.ents] for doc in docs_of(write())] == [["after"], ["fever"], ["fever"]]


@pytest.mark.parametrize("name, value", [("ORTH", 12345), ("ENT_TYPE", 12345), ("ENT_KB_ID", 12345), ("ENT_IOB", 77)])
def test_impossible_values_name_their_doc(parts, name, value):
    message, tokens, write = parts
    tokens[4, column(message, name)] = value  # the second token of the second Doc
    check_damaged(write(tokens=tokens.tobytes()))


def test_inside_without_a_beginning(parts):
    message, tokens, write = parts
    tokens[3, column(message, "ENT_IOB")] = 1
    tokens[3, column(message, "ENT_TYPE")] = tokens[4, column(message, "ENT_TYPE")]
    try:
        docs = docs_of(write(tokens=tokens.tobytes()))
    except InputError as err:
        assert "Doc 2" in str(err)
    else:
        assert [ent.text for ent in docs[1].ents] == ["More", "fever"]  # spaCy mends it


def test_strings_that_are_gone(parts):
    _, _, write = parts
    check_damaged(write(strings=[]), match="train.spacy: Doc 1 is damaged")


SOURCE = {"document": "7", "mentions": [[5, 10, "DIS", "D1", []]], "ents": [[5, 10, "DIS", "D1", []]]}


@pytest.mark.parametrize(
    "source",
    [
        {},
        {**SOURCE, "mentions": 5},
        {**SOURCE, "mentions": [[5, 10, "DIS", "D1"]]},
        {**SOURCE, "mentions": [[5, 99, "DIS", "D1", []]]},
        {**SOURCE, "mentions": [[5, 10, 7, "D1", []]]},
        {**SOURCE, "mentions": [[5, 10, "DIS", "D1", [[5, 99]]]]},
        {**SOURCE, "ents": [["5", 10, "DIS", "D1", []]]},
        {**SOURCE, "document": 5},
        {**SOURCE, "labels": "DIS"},
    ],
)
def test_sources_that_are_damaged(parts, source):
    message, _, write = parts
    user_data = list(message["user_data"])
    user_data[1] = srsly.msgpack_dumps({"bio_ner": source})
    check_damaged(write(user_data=user_data))


@pytest.mark.parametrize(
    "changes", [{"cats": [{}, {"A": "x"}, {}]}, {"cats": [{}, {5: 1.0}, {}]}, {"cats": [{}, 5, {}]}]
)
def test_categories_that_are_damaged(parts, changes):
    _, _, write = parts
    check_damaged(write(**changes))


@pytest.mark.parametrize(
    "changes", [{"cats": [{}]}, {"flags": [{}]}, {"span_groups": [b""]}, {"spaces": b"\1"}, {"lengths": b"\1\0\0\0"}]
)
def test_lists_that_are_too_short(parts, changes):
    message, _, write = parts
    try:
        docs = docs_of(write(**changes))
    except InputError as err:
        assert "damaged" in str(err)
    else:
        pytest.fail(f"read {len(docs)} Docs of 3")


@pytest.mark.parametrize("missing", ["attrs", "tokens", "strings", "lengths", "spaces", "cats"])
def test_parts_that_are_missing(parts, missing):
    message, _, write = parts
    del message[missing]
    check_damaged(write(), match="not a DocBin file, or a damaged one")


def test_span_groups_that_are_damaged(parts):
    message, _, write = parts
    groups = list(message["span_groups"])
    groups[1] = b"\x93"
    check_damaged(write(span_groups=groups))


def test_a_reader_that_fails_is_not_a_damaged_file(parts):
    """What goes wrong while a Doc is used is not taken for the file's fault."""
    _, _, write = parts
    with pytest.raises(ZeroDivisionError):
        for _ in read_docs(write(), spacy.blank("en").vocab):
            1 / 0
