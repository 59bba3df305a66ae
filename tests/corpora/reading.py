"""What tests of readers have in common."""

import json
import re
from pathlib import Path

import spacy
from hypothesis import strategies as st
from spacy.cli import app
from spacy.vocab import Vocab
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.corpora.ledger import Ledger
from spacy_bio_ner.corpora.options import Options
from spacy_bio_ner.corpora.source_mentions import SourceMention, set_source

NLP = spacy.blank("en")


def read(reader, path, **options):
    ledger = Ledger(path)
    return list(reader.read(path, ledger, Options(**options))), ledger


def read_good(reader, path, **options):
    records, ledger = read(reader, path, **options)
    assert ledger.errors == [] and ledger.n_errors == 0
    assert not ledger.mentions  # counting is for the alignment
    return records


def write_file(path, content):
    """Write bytes, a text, or an object as JSON."""
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    return path


def read_file(reader, tmp_path, content, **options):
    return read_good(reader, write_file(tmp_path / "corpus", content), **options)


def texts(record):
    """The texts of a record's mentions."""
    return [record.text[mention.start : mention.end] for mention in record.mentions]


def marked(record):
    """The texts and labels of a record's mentions."""
    return [(record.text[mention.start : mention.end], mention.label) for mention in record.mentions]


def entities(record):
    """The words and label of the mentions of a record of words."""
    return [(record.words[mention.start : mention.end], mention.label) for mention in record.mentions]


def check_errors(reader, source, expected, **options):
    """Each error has its file and line, and nothing else is found wrong."""
    _, ledger = read(reader, source, **options)
    assert ledger.n_errors == len(expected), ledger.errors
    for error, (place, message) in zip(ledger.errors, expected):
        assert error.startswith(f"{place}: "), error
        assert message in error, error


def check_refused(reader, tmp_path, content, *messages, **options):
    """The file is refused with these messages, each somewhere in the file."""
    path = write_file(tmp_path / "corpus", content)
    _, ledger = read(reader, path, **options)
    assert ledger.n_errors == len(messages), ledger.errors
    for error, message in zip(ledger.errors, messages):
        assert re.match(re.escape(str(path)) + r":\d+: ", error) and message in error, error


def lines(*parts):
    return "\n".join(parts) + "\n"


def run(*args):
    return CliRunner().invoke(app, ["bio-ner", "convert", *map(str, args)])


def export(*args):
    return CliRunner().invoke(app, ["bio-ner", "export", *map(str, args)])


def output(result):
    """What was printed, without the line breaks of the terminal's width."""
    return re.sub(r"\s+", " ", result.output)


def docs_of(path: Path):
    return list(read_docs(path, Vocab()))


def ents_of(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def brat_folder(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        stem, suffix = name.rsplit("_", 1)
        (folder / f"{stem}.{suffix}").write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    return folder


# Docs to be written and read again

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
    doc.set_ents([])
    set_source(doc, document, [SourceMention(*mention) for mention in mentions])
    return doc


def write_and_read(reader, docs, path):
    with path.open("w", encoding="utf8", newline="") as file:
        reader.write(docs, file)
    return read_good(reader, path)
