"""Show what token accuracy hides, by counting it in the ways that are met: on held-out sentences, on the training data,
and on the training data with every sentence padded to the length of the longest, padding counted as right.
"""

from pathlib import Path
from typing import List

import spacy
import typer
from spacy.tokens import Doc
from spacy.training import offsets_to_biluo_tags
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs


def tags_of(doc: Doc) -> List[str]:
    """RETURNS (List[str]): The BILUO tag of each token."""
    return offsets_to_biluo_tags(doc, [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents])


def main(
    model: str = typer.Argument(..., help="Pipeline: the name of an installed one, or a path"),
    train: Path = typer.Argument(..., help="The .spacy file it was trained on"),
    test: Path = typer.Argument(..., help="A .spacy file it has not seen"),
):
    """Count token accuracy of a pipeline, and of tagging nothing at all, in several ways."""
    nlp = spacy.load(model)
    rows = []
    for name, path in (("held out", test), ("training data", train)):
        golds = list(read_docs(path, nlp.vocab))
        copies = (Doc(nlp.vocab, words=[token.text for token in gold]) for gold in golds)
        n_right = n_outside = n_tokens = 0
        for gold, doc in zip(golds, nlp.pipe(copies)):
            expected, found = tags_of(gold), tags_of(doc)
            n_right += sum(a == b for a, b in zip(expected, found))
            n_outside += expected.count("O")
            n_tokens += len(gold)
        rows.append((name, f"{n_right / n_tokens:.4f}", f"{n_outside / n_tokens:.4f}"))
    padding = max(map(len, golds)) * len(golds) - n_tokens
    padded = [(n + padding) / (n_tokens + padding) for n in (n_right, n_outside)]
    rows.append(("training data, padded", *(f"{share:.4f}" for share in padded)))
    msg.table(rows, header=("token accuracy", "pipeline", "tagging nothing"), divider=True, aligns=("l", "r", "r"))


if __name__ == "__main__":
    typer.run(main)
