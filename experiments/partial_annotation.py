"""Make a partly annotated corpus of a fully annotated one: each entity, and each token outside, keeps its annotation or
loses it at random. What is lost is missing, not outside.
"""

from pathlib import Path

import numpy
import spacy
import typer
from spacy.tokens import DocBin
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.crf.bio import IOB_OUTSIDE


def main(
    corpus: Path = typer.Argument(..., help=".spacy file, or folder of them"),
    output: Path = typer.Argument(..., help=".spacy file to write"),
    drop: float = typer.Option(0.5, help="Probability that an entity, or a token outside, loses its annotation"),
    seed: int = typer.Option(0, help="Seed of the draws"),
):
    """Drop a part of a corpus's annotation at random."""
    rng = numpy.random.default_rng(seed)
    docs = DocBin()
    n_ents = n_kept = 0
    for doc in read_docs(corpus, spacy.blank("en").vocab):
        ents = list(doc.ents)
        keep = rng.random(len(ents)) >= drop
        kept = [ent for ent, kept in zip(ents, keep) if kept]
        missing = [ent for ent, kept in zip(ents, keep) if not kept]
        missing += [doc[t.i : t.i + 1] for t in doc if t.ent_iob == IOB_OUTSIDE and rng.random() < drop]
        doc.set_ents(kept, missing=missing)
        docs.add(doc)
        n_ents, n_kept = n_ents + len(ents), n_kept + len(kept)
    output.parent.mkdir(parents=True, exist_ok=True)
    docs.to_disk(output)
    msg.good(f"Kept {n_kept} of {n_ents} entities in {output}")


if __name__ == "__main__":
    typer.run(main)
