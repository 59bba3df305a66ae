"""`bio-ner export`: DocBin to formats that other tools read."""

from enum import Enum
from pathlib import Path

import spacy
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..corpora.docbin import read_docs
from ..corpora.formats import columns as bio
from ..corpora.formats import jsonl, pubtator
from ..util import InputError, printable
from ._app import atomic_write, bio_ner_cli, clear_errors

WRITERS = {"bio": bio.write, "pubtator": pubtator.write, "jsonl": jsonl.write}
Writer = Enum("Writer", {name: name for name in WRITERS}, type=str)  # type: ignore[misc]


@bio_ner_cli.command("export")
def export_cli(
    # fmt: off
    corpus: Path = Arg(..., help=".spacy file, or folder of them"),
    dest: Path = Arg(..., help="File to write"),
    format: Writer = Opt(Writer("bio"), "--format", "-f", help="Format to write"),
    # fmt: on
):
    """
    Write a corpus in DocBin format as BIO columns, PubTator or JSONL.

    BIO columns hold the entities on their tokens, the other formats the
    mentions as the corpus's source had them.
    """
    with clear_errors("Nothing was written"):
        if dest.is_dir():
            raise InputError(f"{dest}: found a folder, expected a file to write")
        n_docs = 0

        def counted():
            nonlocal n_docs
            for doc in read_docs(corpus, spacy.blank("en").vocab):
                n_docs += 1
                yield doc

        with atomic_write(dest) as beside, beside.open("w", encoding="utf8", newline="") as file:
            WRITERS[format.value](counted(), file)
        msg.good(f"Wrote {n_docs} Docs to {printable(str(dest))}")
