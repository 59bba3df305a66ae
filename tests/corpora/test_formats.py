"""The formats of tagged words, telling formats apart, and finding the parts of a corpus."""

import zlib
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.corpora.formats import slots
from spacy_bio_ner.corpora.formats import word_table as table
from spacy_bio_ner.corpora.formats.registry import detect_format
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.source_mentions import document_id
from spacy_bio_ner.corpora.sources import find_sources
from spacy_bio_ner.util import InputError

from .test_convert import output, run

CSV = 'Sentence #,Word,POS,Tag\nSentence: 1,Café,NN,O\n,"New, York",NNP,B-geo\n,"""",``,O\nSentence: 2,Peru,NNP,B-geo\n'


def docs_of(path):
    return list(read_docs(path, spacy.blank("en").vocab))


@pytest.mark.parametrize("encoding", ["utf8", "latin-1", "utf-8-sig"])
def test_csv(tmp_path, encoding):
    path = tmp_path / "train.csv"
    path.write_bytes(CSV.encode(encoding))
    assert detect_format(path) == "csv"
    sentences = list(table.read(path, Ledger(path)))
    assert [s.words for s in sentences] == [["Café", "New, York", '"'], ["Peru"]]
    assert [s.tags for s in sentences] == [["O", "B-geo", "O"], ["B-geo"]]
    assert [s.lines for s in sentences] == [[2, 3, 4], [5]]


@pytest.mark.parametrize(
    "text, message",
    [
        (CSV + ",Lima\n", "train.csv:6: found 2 column(s), expected 4"),
        (CSV + ",,NN,B-geo\n", "train.csv:6: the tag 'B-geo' stands on an empty word"),
        (CSV + ',"Lima\n', "train.csv:6: not CSV as expected"),
        (CSV + ",Lima,NN,I-geo\n,x,NN,I-per\n", "train.csv:7: 'I-per' follows 'I-geo'"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "train.csv").write_text(text, encoding="utf8")
    result = run(tmp_path / "train.csv", tmp_path / "out")
    assert result.exit_code == 1 and message in output(result) and not (tmp_path / "out").exists()


def write_slots(folder, words="play Jazz now\nhi\n", tags="O B-genre O\nO\n", label="PlayMusic\nGreet\n"):
    folder.mkdir(parents=True)
    (folder / "seq.in").write_text(words)
    (folder / "seq.out").write_text(tags)
    if label is not None:
        (folder / "label").write_text(label)
    return folder


def test_slots_with_intents(tmp_path):
    for split in ("train", "valid"):
        write_slots(tmp_path / "corpus" / split)
    assert run(tmp_path / "corpus", tmp_path / "out").exit_code == 0
    for name in ("train", "dev"):
        first, second = docs_of(tmp_path / "out" / f"{name}.spacy")
        assert [(ent.text, ent.label_) for ent in first.ents] == [("Jazz", "genre")]
        assert first.cats == {"PlayMusic": 1.0, "Greet": 0.0} and second.cats == {"PlayMusic": 0.0, "Greet": 1.0}


def test_slots_without_intents(tmp_path):
    [first, _] = slots.read(write_slots(tmp_path / "a", label=None), Ledger(tmp_path))
    assert first.cats == {}


@pytest.mark.parametrize(
    "files, message",
    [
        ({"tags": "O B-genre\nO\n"}, "seq.out:1: found 2 tags for 3 words"),
        ({"tags": "O B-genre O\n"}, "seq.out:2: found no such line, but seq.in has one"),
        ({"label": "PlayMusic\n"}, "label:1: found 1 lines, expected 2 as in seq.in"),
        ({"words": "play Jazz now\n\n", "tags": "O B-genre O\n\n"}, "seq.in:2: found no word"),
    ],
)
def test_bad_slots(tmp_path, files, message):
    write_slots(tmp_path / "corpus" / "train", **files)
    result = run(tmp_path / "corpus", tmp_path / "out")
    assert result.exit_code == 1 and message in output(result) and not (tmp_path / "out").exists()


PUBTATOR = "1|t|Fever.\n1|a|After aspirin.\n1\t0\t5\tFever\tDIS\tD1\n1\t13\t20\taspirin\tCHEM\tD2\n\n"
JSONL = '{"text": "Fever after aspirin.", "spans": [{"start": 0, "end": 5, "label": "DIS"}]}\n'


def test_formats_are_told_by_content(tmp_path):
    for name, content in {"pubtator": PUBTATOR, "jsonl": JSONL, "csv": CSV, "bio": "a\tB-X\n"}.items():
        (tmp_path / "file.txt").write_text(content)
        assert detect_format(tmp_path / "file.txt") == name
    (tmp_path / "file.txt").write_bytes(b"\xff\xfe\x00")
    assert detect_format(tmp_path / "file.txt") == "bio"
    (tmp_path / "brat").mkdir()
    with pytest.raises(InputError, match="expected a file"):
        detect_format(tmp_path / "brat")
    (tmp_path / "brat" / "a.txt").write_text("x")
    (tmp_path / "brat" / "a.ann").write_text("")
    assert detect_format(tmp_path / "brat") == "brat"
    assert detect_format(write_slots(tmp_path / "slots")) == "slots"


def test_text_formats_are_aligned_and_accounted_for(tmp_path):
    (tmp_path / "train.txt").write_text(
        PUBTATOR + PUBTATOR.replace("1|", "2|").replace("1\t", "2\t").replace("0\t5\t", "0\t5\t")
    )
    result = run(tmp_path / "train.txt", tmp_path / "out")
    assert result.exit_code == 0, result.output
    docs = docs_of(tmp_path / "out" / "train.spacy")
    assert [document_id(doc) for doc in docs] == ["1", "2"]
    assert [[(e.text, e.label_, e.kb_id_) for e in doc.ents] for doc in docs] == [
        [("Fever", "DIS", "D1"), ("aspirin", "CHEM", "D2")]
    ] * 2
    ledger = srsly.read_json(tmp_path / "out" / "ledger.json")
    assert ledger["train"]["mentions"] == {"read": 4, "kept": 4}


def test_lost_mentions_can_be_refused(tmp_path):
    spans = [{"start": 0, "end": 13, "label": "DIS"}, {"start": 6, "end": 13, "label": "DIS"}]
    srsly.write_jsonl(tmp_path / "train.jsonl", [{"text": "renal failure", "spans": spans}])
    assert run(tmp_path / "train.jsonl", tmp_path / "out", "--fail-on-lost").exit_code == 1
    assert not (tmp_path / "out").exists()
    result = run(tmp_path / "train.jsonl", tmp_path / "out")
    assert result.exit_code == 0 and "1 nested: inside a longer mention, such as 'failure' DIS [6:13]" in output(result)
    assert srsly.read_json(tmp_path / "out" / "ledger.json")["train"]["lost"] == {"nested: inside a longer mention": 1}


def test_tokenizer_can_be_spacys(tmp_path):
    (tmp_path / "train.jsonl").write_text(
        '{"text": "lithium-induced", "spans": [{"start": 0, "end": 7, "label": "CHEM"}]}\n'
    )
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out").values()
    assert ledger.mentions == {"kept": 1}
    (tmp_path / "train.jsonl").write_text('{"text": "(U.S.)", "spans": [{"start": 1, "end": 4, "label": "X"}]}\n')
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out").values()
    assert ledger.mentions == {"kept": 1}
    [ledger] = convert(tmp_path / "train.jsonl", tmp_path / "out", spacy_tokenizer=True).values()
    assert ledger.mentions == {"snapped": 1}


def test_a_single_file_is_split_by_a_hash(tmp_path):
    (tmp_path / "corpus").mkdir()
    sentences = [f"word{i} B-X\n\n" for i in range(300)]
    (tmp_path / "corpus" / "all.iob").write_text("".join(sentences))
    convert(tmp_path / "corpus", tmp_path / "a")
    (tmp_path / "corpus" / "all.iob").write_text("".join(reversed(sentences)))
    convert(tmp_path / "corpus", tmp_path / "b")
    words = {
        name: {doc[0].text for doc in docs_of(tmp_path / "a" / f"{name}.spacy")} for name in ("train", "dev", "test")
    }
    assert sum(map(len, words.values())) == 300 == len(set.union(*words.values()))
    assert 210 < len(words["train"]) < 270 and 15 < len(words["dev"]) < 50 and 15 < len(words["test"]) < 50
    assert words == {name: {doc[0].text for doc in docs_of(tmp_path / "b" / f"{name}.spacy")} for name in words}


def test_split_names_and_files_beside_the_corpus(tmp_path):
    for name in ("training.tsv", "devel.tsv", "test.PubTator.txt", "README.md", "LICENSE", ".hidden.tsv"):
        (tmp_path / name).write_text("a\tB-X\n")
    (tmp_path / "notes").mkdir()
    assert {name: part.path.name for name, part in find_sources(tmp_path).items()} == {
        "train": "training.tsv",
        "dev": "devel.tsv",
        "test": "test.PubTator.txt",
    }


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


def test_broken_docbin(tmp_path):
    (tmp_path / "train.spacy").write_bytes(b"no DocBin")
    result = run(tmp_path / "train.spacy", tmp_path / "out")
    assert result.exit_code == 1 and "train.spacy: not a DocBin file" in output(result)


def test_public_pubtator_is_kept_whole(corpora, tmp_path):
    """28,785 mentions, of which at least 99.9 % fit the tokens exactly."""
    ledgers = convert(corpora / "bc5cdr", tmp_path / "out").values()
    mentions = sum((ledger.mentions for ledger in ledgers), start=Ledger(Path()).mentions)
    assert sum(mentions.values()) == 28_785
    assert mentions["kept"] / 28_785 >= 0.999
    assert set(+mentions) <= {"kept", "snapped", "lost"}


def test_public_table_and_slots(corpora, tmp_path):
    ledgers = convert(corpora / "gmb", tmp_path / "gmb").values()
    assert sum(ledger.sentences for ledger in ledgers) == 8_300
    assert sum(ledger.tokens["kept"] for ledger in ledgers) == 181_291
    ledgers = convert(corpora / "snips", tmp_path / "snips").values()
    assert [ledger.sentences for ledger in ledgers] == [700, 13_084, 700]


def test_damaged_docbin(tmp_path, nlp):
    """Intact compression around content that is none."""
    path = tmp_path / "train.spacy"
    path.write_bytes(zlib.compress(srsly.msgpack_dumps({"version": "0.1", "attrs": [65], "tokens": b"abc"})))
    with pytest.raises(InputError, match="damaged"):
        list(read_docs(path, nlp.vocab))


def soup_of(*parts):
    return st.binary(max_size=60) | st.lists(st.sampled_from(parts), max_size=25).map(b"".join)


CSV_SOUP = soup_of(
    b"Sentence #,Word,POS,Tag\n", b"Sentence: 1", b",", b'"', b"\n", b"\r", b"a", b"B-X", b"O", b"\xff", b"\x00"
)


@settings(deadline=None, max_examples=60)
@given(CSV_SOUP)
def test_byte_soup_as_csv(tmp_path_factory, soup):
    folder = tmp_path_factory.mktemp("soup")
    (folder / "dev.csv").write_bytes(b"Sentence #,Word,POS,Tag\n" + soup)
    convert_or_refuse(folder / "dev.csv", folder / "out")


LINES_SOUP = soup_of(b"a", b" ", b"\n", b"\r\n", b"B-X", b"I-X", b"O", b"-", b"\xff", b"\xc2\xa0")


@settings(deadline=None, max_examples=60)
@given(LINES_SOUP, LINES_SOUP, LINES_SOUP | st.none())
def test_byte_soup_as_slots(tmp_path_factory, words, tags, label):
    folder = tmp_path_factory.mktemp("soup")
    for name, content in (("seq.in", words), ("seq.out", tags), ("label", label)):
        if content is not None:
            (folder / "dev").mkdir(exist_ok=True)
            (folder / "dev" / name).write_bytes(content)
    convert_or_refuse(folder, folder / "out")


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(zlib.compress))
def test_byte_soup_as_docbin(tmp_path_factory, soup):
    folder = tmp_path_factory.mktemp("soup")
    (folder / "dev.spacy").write_bytes(soup)
    convert_or_refuse(folder / "dev.spacy", folder / "out")


def convert_or_refuse(source, out):
    """Either every mention of the source is in the Docs, or there is a message and nothing is written."""
    try:
        [ledger] = convert(source, out).values()
    except InputError as err:
        assert str(source.name) in str(err) or "seq." in str(err) or "label" in str(err)
        assert not out.exists()
        return
    docs = docs_of(out / "dev.spacy")
    assert sum(ledger.mentions.values()) == sum(len(doc.ents) for doc in docs)
