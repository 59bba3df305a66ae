"""Print the entities that an installed pipeline finds in a text, and optionally check them."""

import os
from itertools import islice
from pathlib import Path
from typing import Optional

import spacy
import typer
from spacy.tokens import Doc
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.evaluation.texts import unannotated

N_SHOWN = 5


def entities(doc: Doc) -> str:
    return ", ".join(f"{ent.text}/{ent.label_}" for ent in doc.ents) or "No entities found"


def main(
    model: str = typer.Argument(..., help="Installed pipeline, or path to one"),
    text: str = typer.Argument("", help="Text to find entities in; else the environment's BIO_NER_TEXT"),
    corpus: Optional[Path] = typer.Option(
        None, help="A .spacy file, of which the first Docs with entities are shown if there is no text"
    ),
    expect: Optional[str] = typer.Option(
        None, help="The entities expected, as 'text/LABEL, text/LABEL': anything else exits 1"
    ),
):
    """Print the entities that a pipeline finds in a text."""
    # The project passes an argument that is empty where there is no text.
    text = text or os.environ.get("BIO_NER_TEXT", "")
    try:
        # Packages are modules, whose names have no hyphens.
        nlp = spacy.load(model if Path(model).exists() else model.replace("-", "_"))
    except OSError as err:
        msg.fail(str(err), exits=1)
    if not text:
        if corpus is None:
            msg.fail("Expected a text, or a corpus with --corpus", exits=1)
        golds = (gold for gold in read_docs(corpus, nlp.vocab) if gold.ents)
        for gold in islice(golds, N_SHOWN):
            print(f"{gold.text.strip()}\n    {entities(nlp(unannotated(nlp, gold)))}\n")
        return
    found = entities(nlp(text))
    print(found)
    if expect is not None and found != expect:
        msg.fail(f"Expected {expect}", exits=1)


if __name__ == "__main__":
    typer.run(main)
