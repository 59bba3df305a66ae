import json
import subprocess
from pathlib import Path

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB1, IOB2, IOBES, Entities
from spacy.attrs import ENT_IOB
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_bio_ner.corpora import docbin
from spacy_bio_ner.corpora.align import record_to_doc
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.docbin import write_records
from spacy_bio_ner.corpora.formats import columns as bio
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.record import Mention, Record
from spacy_bio_ner.corpora.source_mentions import source_mentions
from spacy_bio_ner.corpora.tagged import read_records
from spacy_bio_ner.corpora.tags import Scheme, detect_scheme, read_tags, split_tag
from spacy_bio_ner.util import InputError

from .reading import NLP, export, output, run

SEQEVAL = {Scheme.bio: IOB2, Scheme.iob1: IOB1, Scheme.iobes: IOBES}


def read_docs(path):
    return list(Corpus(path).read_docbin(spacy.blank("en").vocab, sorted(path.iterdir()) if path.is_dir() else [path]))


def spans(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def write_tags(mentions, length, scheme):
    """Tags of a sentence in any scheme, written independently of the reader."""
    tags = ["O"] * length
    before = None
    for start, end, label in mentions:
        for i in range(start, end):
            tags[i] = f"I-{label}"
        if scheme is Scheme.bio or (scheme is Scheme.iob1 and before == (start, label)):
            tags[start] = f"B-{label}"
        if scheme is Scheme.iobes:
            tags[start], tags[end - 1] = f"B-{label}", f"E-{label}"
            if end - start == 1:
                tags[start] = f"S-{label}"
        before = (end, label)
    return tags


LABELS = ["DIS", "CHEM", "SOCIAL-MEDIA", "U-L"]


@st.composite
def sentences(draw):
    """A sentence's mentions, adjacent ones of one label included, and its length."""
    parts = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(LABELS)), max_size=5))
    mentions, position = [], 0
    for gap, size, label in parts:
        mentions.append((position + gap, position + gap + size, label))
        position += gap + size
    return mentions, position + draw(st.integers(0 if position else 1, 2))


@given(sentences(), st.sampled_from(list(Scheme)))
def test_tags_are_read_as_written(sentence, scheme):
    mentions, length = sentence
    tags = write_tags(mentions, length, scheme)
    found, missing, problems = read_tags(tags, scheme)
    assert [tuple(m[:3]) for m in found] == mentions
    assert not missing and not problems
    seqeval = Entities([tags], SEQEVAL[scheme]).entities[0]
    assert [(e.start, e.end, e.tag) for e in seqeval] == mentions


@given(st.lists(st.sampled_from(["O", "B-DIS", "I-DIS", "B-CHEM", "I-CHEM"]), max_size=8))
def test_repaired_tags_are_read_as_seqeval_reads_them_by_default(tags):
    found, _, problems = read_tags(tags, Scheme.bio)
    assert [(m.label, m.start, m.end - 1) for m in found] == get_entities(tags)
    assert all(problem.repairable for problem in problems)
    invalid = [i for i, t in enumerate(tags) if t[0] == "I" and (i == 0 or tags[i - 1][2:] != t[2:])]
    assert [problem.token for problem in problems] == invalid


@given(st.lists(sentences(), min_size=1, max_size=5), st.sampled_from(list(Scheme)))
def test_scheme_is_found_or_makes_no_difference(corpus, scheme):
    tags = [write_tags(mentions, length, scheme) for mentions, length in corpus]
    detected = detect_scheme(tags)
    for (mentions, _), sentence in zip(corpus, tags):
        found, _, problems = read_tags(sentence, detected)
        assert [tuple(m[:3]) for m in found] == mentions and not problems


def test_iob1_needs_an_entity_that_starts_inside_and_no_needless_b():
    assert detect_scheme([["I-DIS", "B-DIS"]]) is Scheme.iob1
    assert detect_scheme([["B-DIS", "I-DIS"]]) is Scheme.bio
    assert detect_scheme([["O", "I-DIS"], ["O", "B-DIS"]]) is Scheme.bio  # one mistake does not make it IOB1
    assert detect_scheme([["I-DIS", "B-CHEM"]]) is Scheme.bio
    assert detect_scheme([["U-DIS"]]) is Scheme.iobes


@pytest.mark.parametrize("tag", ["B-", "DIS", "X-DIS", "", "B_DIS", "b-DIS", "OO"])
def test_unknown_tags(tag):
    assert split_tag(tag) is None


def test_prefix_is_sliced_and_not_replaced():
    assert split_tag("L-SOCIAL-MEDIA") == ("E", "SOCIAL-MEDIA")
    assert split_tag("U-U-L") == ("S", "U-L")


GOOD = "Fever\tB-DIS\nafter\tO\naspirin\tB-CHEM\n\nRest\tO\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\t", " "),
        GOOD.replace("\t", "\tNN\t"),
        "\n\n" + GOOD + "\n\n\n",
        "-DOCSTART- -X- O O\n\n" + GOOD,
        "-DOCSTART-\n" + GOOD,
    ],
)
def test_variants_of_the_format(tmp_path, text):
    (tmp_path / "train.tsv").write_bytes(text.encode("utf8"))
    result = run(tmp_path / "train.tsv", tmp_path / "out")
    assert result.exit_code == 0, result.output
    docs = read_docs(tmp_path / "out" / "train.spacy")
    assert [[t.text for t in doc] for doc in docs] == [["Fever", "after", "aspirin"], ["Rest"]]
    assert [spans(doc) for doc in docs] == [[(0, 1, "DIS"), (2, 3, "CHEM")], []]


def test_columns_and_separator(tmp_path):
    (tmp_path / "train.conll").write_text("O|1|New York\nB-LOC|2|Paris\n")
    result = run(tmp_path, tmp_path / "out", "--separator", "|", "--token-column", "3", "--tag-column", "1")
    assert result.exit_code == 0, result.output
    [doc] = read_docs(tmp_path / "out" / "train.spacy")
    assert [t.text for t in doc] == ["New York", "Paris"] and spans(doc) == [(1, 2, "LOC")]


def test_missing_annotation(tmp_path):
    (tmp_path / "train.iob").write_text("a O\nb -\nc B-X\nd I-X\ne -\nf -\n")
    assert run(tmp_path, tmp_path / "out").exit_code == 0
    [doc] = read_docs(tmp_path / "out" / "train.spacy")
    assert [t.ent_iob for t in doc] == [2, 0, 3, 1, 0, 0] and spans(doc) == [(2, 4, "X")]


def test_grouped_sentences_keep_their_tokens_and_stay_in_their_document(tmp_path):
    document = "-DOCSTART- O\n\n" + "don't B-X\nstop O\n\n" * 3
    (tmp_path / "train.iob").write_text(document * 2)
    for n_sents, sizes in ((1, [1] * 6), (2, [2, 1, 2, 1]), (0, [3, 3])):
        assert run(tmp_path, tmp_path / "out", "-n", n_sents).exit_code == 0
        nlp = spacy.blank("en")
        examples = list(Corpus(tmp_path / "out" / "train.spacy")(nlp))
        assert [len(list(eg.reference.sents)) for eg in examples] == sizes
        # spaCy's tokenizer would make "do n't" of it.
        assert all([t.text for t in eg.predicted] == ["don't", "stop"] * n for eg, n in zip(examples, sizes))
        assert [len(eg.reference.ents) for eg in examples] == sizes


def to_doc(record, nlp):
    return record_to_doc(record, nlp, Ledger(Path("source")))


def test_large_input_becomes_a_folder_of_shards(tmp_path, nlp, monkeypatch):
    monkeypatch.setattr(docbin, "SHARD_SIZE", 10)
    records = [Record(words=[f"w{i}"], mentions=[Mention(0, 1, "X")], sent_starts=[0]) for i in range(25)]
    assert write_records(iter(records), nlp, tmp_path / "a.spacy", to_doc) == 25
    assert sorted(p.name for p in (tmp_path / "a.spacy").iterdir()) == ["00000.spacy", "00001.spacy", "00002.spacy"]
    words = [eg.reference.text for eg in Corpus(tmp_path / "a.spacy")(nlp)]
    assert [word.strip() for word in words] == [f"w{i}" for i in range(25)]
    assert write_records(iter(records[:10]), nlp, tmp_path / "b.spacy", to_doc) == 10
    assert (tmp_path / "b.spacy").is_file()


def test_shards_and_file_replace_each_other(tmp_path, monkeypatch):
    (tmp_path / "train.iob").write_text("a B-X\n\n" * 5)
    monkeypatch.setattr(docbin, "SHARD_SIZE", 2)
    assert run(tmp_path / "train.iob", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "train.spacy").is_dir()
    monkeypatch.setattr(docbin, "SHARD_SIZE", 100)
    assert run(tmp_path / "train.iob", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "train.spacy").is_file()


BAD = {
    "too few columns": ("a B-X\nb\n", "train.iob:2: found 1 column(s) in 'b', expected at least 2"),
    "unknown prefix": ("a X-DIS\n", "train.iob:1: unknown tag 'X-DIS', expected O, -, or B- or I- and a label"),
    "type change": ("a B-CHEM\nb I-DIS\n", "train.iob:2: 'I-DIS' follows 'B-CHEM', expected B-DIS"),
    "stray inside": ("a B-DIS\n\nb O\nc I-DIS\n", "train.iob:4: 'I-DIS' follows 'O', expected B-DIS"),
    "empty token": ("a\tB-X\n\tB-X\n", "train.iob:2: the tag 'B-X' stands on an empty token"),
    "missing inside": ("a B-X\nb -\nc I-X\n", "train.iob:3: 'I-X' follows a missing tag"),
    "blank lines": ("\n\n \n", "train.iob: found no sentence"),
    "no entities": ("a O\nb O\n", "train.iob: found no entity in 1 Docs"),
    "not utf-8": (b"a B-X\ncaf\xe9 O\n", "train.iob:2: byte 0xe9 at position 4 is not UTF-8"),
    "empty label": ("a B-\n", "train.iob:1: unknown tag 'B-'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_place(tmp_path, name):
    text, message = BAD[name]
    (tmp_path / "train.iob").write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))
    result = run(tmp_path / "train.iob", tmp_path / "out")
    assert result.exit_code == 1
    assert not isinstance(result.exception, ValueError)
    assert message in output(result)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train.iob"]


def test_bad_sources_and_destinations(tmp_path):
    assert "no such file" in output(run(tmp_path / "absent.iob", tmp_path / "out"))
    assert "found no file to convert" in output(run(tmp_path, tmp_path / "out"))
    (tmp_path / "train.iob").mkdir()
    result = run(tmp_path, tmp_path / "out")
    assert result.exit_code == 1 and "found a folder, expected a file" in output(result)
    (tmp_path / "train.iob").rmdir()
    (tmp_path / "train.iob").write_text("a B-X\n")
    (tmp_path / "file").write_text("")
    assert "expected a folder to write to" in output(run(tmp_path / "train.iob", tmp_path / "file"))
    (tmp_path / "train.tsv").write_text("a B-X\n")
    assert "same file as" in output(run(tmp_path, tmp_path / "out"))
    for option in (("--tag-column", "0"), ("--lang", "xx-none"), ("--labels", "O,,B-X"), ("--annotated-labels", "X,X")):
        result = run(tmp_path / "train.tsv", tmp_path / "out", *option)
        assert result.exit_code == 1 and option[0] in output(result), result.output
    for option in (("--scheme", "bilou2"), ("--format", "xml"), ("--offsets", "bytes")):
        assert run(tmp_path / "train.tsv", tmp_path / "out", *option).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_label_that_train_lacks(tmp_path):
    (tmp_path / "train.iob").write_text("a B-X\n")
    (tmp_path / "dev.iob").write_text("a O\nb B-Y\nc B-Y\nd B-X\n")
    result = run(tmp_path, tmp_path / "out", "--fail-on-unknown")
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert "dev.iob:2: found Y, which train never has, and --fail-on-unknown is set" in output(result)
    result = run(tmp_path, tmp_path / "out")
    assert result.exit_code == 0 and (tmp_path / "out" / "dev.spacy").exists()
    assert "dev: 2 mentions with labels that train has not will count as missed: Y (2)" in output(result)


def test_failure_leaves_an_earlier_output_alone(tmp_path):
    (tmp_path / "train.iob").write_text(GOOD)
    assert run(tmp_path, tmp_path / "out").exit_code == 0
    before = (tmp_path / "out" / "train.spacy").read_bytes()
    (tmp_path / "train.iob").write_text(GOOD + "broken\n")
    assert run(tmp_path, tmp_path / "out").exit_code == 1
    assert (tmp_path / "out" / "train.spacy").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "train.iob"]


def test_repair_mends_and_counts(tmp_path):
    (tmp_path / "train.iob").write_text("a I-DIS\nb I-DIS\nc I-CHEM\nd O\ne B-DIS\n")
    assert "or use --repair" in output(run(tmp_path, tmp_path / "out", "-s", "bio"))
    [ledger] = convert(tmp_path, tmp_path / "out", scheme=Scheme.bio, repair=True).values()
    assert spans(read_docs(tmp_path / "out" / "train.spacy")[0]) == [(0, 2, "DIS"), (2, 3, "CHEM"), (4, 5, "DIS")]
    assert ledger.tokens == {"kept": 5} and +ledger.mentions == {"kept": 1, "repaired": 2}


def test_repair_does_not_guess(tmp_path):
    (tmp_path / "train.iob").write_text("a B-X\nb -\nc I-X\n")
    assert run(tmp_path, tmp_path / "out", "--repair").exit_code == 1
    (tmp_path / "train.iob").write_text("a B-X\nb\n")
    assert run(tmp_path, tmp_path / "out", "--repair").exit_code == 1


def test_iobes_entity_without_end(tmp_path):
    (tmp_path / "train.iob").write_text("a B-X\nb I-X\nc O\nd S-X\ne E-X\n")
    text = output(run(tmp_path, tmp_path / "out"))
    assert "train.iob:2: no end tag for the entity that ends with 'I-X', expected E-X" in text
    assert "train.iob:5: 'E-X' follows 'S-X', expected B-X" in text
    [ledger] = convert(tmp_path, tmp_path / "out", repair=True).values()
    assert spans(read_docs(tmp_path / "out" / "train.spacy")[0]) == [(0, 2, "X"), (3, 4, "X"), (4, 5, "X")]
    assert +ledger.mentions == {"kept": 1, "repaired": 2}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=80),
        st.lists(
            st.sampled_from(
                [
                    b"a",
                    b"\t",
                    b" ",
                    b"\n",
                    b"\r\n",
                    b"B-X",
                    b"I-X",
                    b"O",
                    b"-",
                    b"-DOCSTART-",
                    b"\xff",
                    b"\x00",
                    b"\xef\xbb\xbf",
                ]
            ),
            max_size=30,
        ).map(b"".join),
    ),
    st.booleans(),
)
def test_byte_soup_gives_a_result_that_adds_up_or_a_clear_error(tmp_path_factory, soup, repair):
    folder = tmp_path_factory.mktemp("soup")
    path, out = folder / "dev.iob", folder / "out"
    path.write_bytes(soup)
    try:
        [ledger] = convert(path, out, repair=repair).values()
    except InputError as err:
        assert str(path) in str(err) and not out.exists()
        return
    docs = read_docs(out / "dev.spacy")
    assert set(+ledger.mentions) <= {"kept", "repaired"} and set(+ledger.tokens) <= {"kept"}
    assert sum(ledger.mentions.values()) == sum(len(doc.ents) for doc in docs)
    assert sum(ledger.tokens.values()) == sum(len(doc) for doc in docs)


@given(sentences(), st.sets(st.integers(0, 20)))
def test_records_survive_docbin(sentence, missing):
    mentions, length = sentence
    inside = {i for start, end, _ in mentions for i in range(start, end)}
    missing = sorted(i for i in missing if i < length and i not in inside)
    words = [f"w{i}" for i in range(length)]
    record = Record(
        words=words, mentions=[Mention(*m) for m in mentions], missing=[(i, i + 1) for i in missing], sent_starts=[0]
    )
    nlp = NLP
    saved = DocBin(docs=[to_doc(record, nlp)], store_user_data=True).to_bytes()
    [doc] = DocBin().from_bytes(saved).get_docs(nlp.vocab)
    assert [t.text for t in doc] == record.words
    assert spans(doc) == mentions
    assert [t.i for t in doc if t.ent_iob == 0] == missing
    assert doc.has_unknown_spaces
    source = [(m.start_char, m.end_char, m.label) for m in source_mentions(doc)]
    assert source == [(e.start_char, e.end_char, e.label_) for e in doc.ents]


def test_command_line_speaks_without_a_traceback(tmp_path, light_python):
    command = [light_python, "-m", "spacy", "bio-ner", "convert", tmp_path / "absent", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "no such file" in result.stdout and "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    "name, entities", [("ncbi-disease-iob", 6881), pytest.param("bc5cdr-iob", 28787, marks=pytest.mark.slow)]
)
def test_public_corpora_are_read_whole(corpora, tmp_path, name, entities):
    ledgers = convert(corpora / name, tmp_path / "out").values()
    starts = sum(
        line.split("\t")[1].startswith("B-")
        for path in (corpora / name).glob("*.tsv")
        for line in path.read_text(encoding="utf8").splitlines()
        if line.strip()
    )
    assert sum(ledger.mentions["kept"] for ledger in ledgers) == starts == entities
    saved = [DocBin().from_disk(path) for path in (tmp_path / "out").glob("*.spacy")]
    assert sum((part[:, docs.attrs.index(ENT_IOB)] == 3).sum() for docs in saved for part in docs.tokens) == entities


@settings(max_examples=40)
@given(st.lists(st.tuples(sentences(), st.sets(st.integers(0, 20)), st.booleans()), min_size=1, max_size=4))
def test_bio_columns_come_back_as_they_went_out(tmp_path_factory, drawn):
    """Records written as BIO columns and read again, documents and missing annotation included."""
    records, document = [], 1
    for (mentions, length), missing, starts_document in drawn:
        inside = {i for start, end, _ in mentions for i in range(start, end)}
        document += starts_document
        records.append(
            Record(
                words=[f"w{i}" for i in range(length)],
                mentions=[Mention(*m) for m in mentions],
                missing=[(i, i + 1) for i in sorted(missing) if i < length and i not in inside],
                sent_starts=[0],
                document=str(document),
            )
        )
    path = tmp_path_factory.mktemp("bio") / "corpus.iob"
    with path.open("w", encoding="utf8", newline="") as file:
        bio.write([to_doc(record, NLP) for record in records], file)
    ledger = Ledger(path)
    found = list(read_records(bio.read(path, ledger), Scheme.bio, False, ledger))
    assert not ledger.errors
    assert [(r.words, r.mentions, r.missing) for r in found] == [(r.words, r.mentions, r.missing) for r in records]
    same = [a.document == b.document for a, b in zip(found, found[1:])]
    assert same == [a.document == b.document for a, b in zip(records, records[1:])]


def test_bio_columns_refuse_tokens_with_no_place_in_them(tmp_path):
    doc = to_doc(Record(words=["a\tb"], sent_starts=[0]), spacy.blank("en"))
    with (tmp_path / "out").open("w") as file, pytest.raises(InputError, match="cannot stand in a column"):
        bio.write([doc], file)


def test_export_command(tmp_path):
    (tmp_path / "train.tsv").write_text(GOOD)
    assert run(tmp_path / "train.tsv", tmp_path / "out").exit_code == 0
    corpus = tmp_path / "out" / "train.spacy"
    assert export(corpus, tmp_path / "back.tsv").exit_code == 0
    assert (tmp_path / "back.tsv").read_text() == GOOD + "\n"
    assert export(corpus, tmp_path / "new" / "back.jsonl", "-f", "jsonl").exit_code == 0
    assert len((tmp_path / "new" / "back.jsonl").read_text().splitlines()) == 2
    for args, message in [
        ((tmp_path / "absent.spacy", tmp_path / "x"), "no such file"),
        ((corpus, tmp_path), "found a folder, expected a file"),
        ((tmp_path / "train.tsv", tmp_path / "x"), "found no .spacy file"),
    ]:
        result = export(*args)
        assert result.exit_code == 1 and message in output(result), result.output
    assert export(corpus, tmp_path / "x", "-f", "xml").exit_code == 2
    assert not (tmp_path / "x").exists()


@pytest.fixture
def victim(tmp_path):
    """A file and a folder that no conversion has made, beside the folder that one writes to."""
    (tmp_path / "out").mkdir()
    (tmp_path / "victim.spacy").mkdir()
    (tmp_path / "victim.spacy" / "00000.spacy").write_text("precious")
    (tmp_path / "f.spacy").write_text("precious")
    return tmp_path


def precious(folder):
    return (folder / "f.spacy").read_text() == (folder / "victim.spacy" / "00000.spacy").read_text() == "precious"


@pytest.mark.parametrize("name", ["../f", "{folder}/victim", "", "..", "a/../../f", "."])
def test_ledger_with_paths_for_names_removes_nothing(tmp_path, victim, name):
    source = tmp_path / "train.iob"
    source.write_text("Aspirin\tB-CHEM\n")
    out = tmp_path / "out"
    (out / "ledger.json").write_text(json.dumps({name.format(folder=tmp_path): {}}))
    before = (out / "ledger.json").read_text()
    with pytest.raises(InputError, match="ledger.json: found .*, expected a ledger"):
        convert(source, out)
    assert precious(victim)
    assert [path.name for path in out.iterdir()] == ["ledger.json"]
    assert (out / "ledger.json").read_text() == before


def test_links_in_the_output_are_replaced_and_not_followed(tmp_path, victim):
    source = tmp_path / "train.iob"
    source.write_text("Aspirin\tB-CHEM\n")
    out = tmp_path / "out"
    (out / "train.spacy").symlink_to(tmp_path / "victim.spacy", target_is_directory=True)
    (out / "old.spacy").symlink_to(tmp_path / "f.spacy")
    (out / "ledger.json").write_text('{"old": {}}')
    convert(source, out)
    assert precious(victim)
    assert sorted(path.name for path in out.iterdir()) == ["checksums.json", "ledger.json", "train.spacy"]
    assert not (out / "train.spacy").is_symlink()


def test_folder_in_the_place_of_shards_is_kept(tmp_path, victim):
    source = tmp_path / "victim.iob"
    source.write_text("Aspirin\tB-CHEM\n")
    (tmp_path / "victim.spacy" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="notes.txt: was not written by"):
        convert(source, tmp_path)
    assert precious(victim)
    assert (tmp_path / "victim.spacy" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "option, takers",
    [
        (("--offsets", "utf16"), "brat, pubtator, webanno, bioc, label-studio, train-data, jsonl"),
        (("--entity-key", "x"), "webanno, bioc, hugging-face, jsonl, csv, list-table, conllu"),
        (("--labels", "O,B-X"), "hugging-face, list-table"),
        (("--token-column", "2"), "bio"),
    ],
)
def test_options_that_concern_nothing_are_refused(tmp_path, option, takers):
    (tmp_path / "train.in").write_text("a B-X\n" if takers != "bio" else '{"text": "a", "spans": []}')
    result = run(tmp_path / "train.in", tmp_path / "out", *option)
    read_as = "bio" if takers != "bio" else "jsonl"
    assert result.exit_code == 1 and not (tmp_path / "out").exists()
    assert f"{option[0]}" in output(result)
    assert f"not for {read_as}, which the source is read as, but for {takers}" in output(result)
