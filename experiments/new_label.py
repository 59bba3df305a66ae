"""What is learned of a new label, and what is forgotten of the old one? A pipeline that knows one label of a corpus
goes on to learn from sentences that are annotated for the other label alone, in three ways:

- outside: the old label's mentions there count as O, as a plain corpus says;
- rehearsal: the same, and after each update the pipeline is rehearsed on the same sentences;
- missing: the sentences say that they are annotated for the new label alone.

Half of train is for the old label, the other half for the new one. Scores are of the corpus's dev split, both labels.
"""

import random
from pathlib import Path
from typing import Iterator, List, Sequence

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, minibatch_by_words
from thinc.api import Adam, fix_random_seed
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs

WORDS = 1000


def examples_of(nlp: Language, docs: Sequence[Doc], labels: Sequence[str]) -> List[Example]:
    """RETURNS (List[Example]): The docs with the entities of these labels alone."""
    examples = []
    for doc in docs:
        gold = doc.copy()
        gold.ents = [ent for ent in doc.ents if ent.label_ in labels]
        examples.append(Example(Doc(nlp.vocab, words=[token.text for token in doc]), gold))
    return examples


def batches(examples: Sequence[Example], steps: int, seed: int) -> Iterator[List[Example]]:
    rng, examples = random.Random(seed), list(examples)
    while True:
        rng.shuffle(examples)
        for batch in minibatch_by_words(examples, size=WORDS):
            if steps == 0:
                return
            steps -= 1
            # An Example remembers its predicted Doc's annotation, so that each update takes a fresh one.
            yield [Example(eg.predicted.copy(), eg.reference) for eg in batch]


def train(nlp: Language, examples: Sequence[Example], optimizer: Adam, steps: int, rehearse: bool = False) -> None:
    for batch in batches(examples, steps, 0):
        nlp.update(batch, sgd=optimizer, drop=0.25)
        if rehearse:
            nlp.rehearse(batch, sgd=optimizer)


def main(
    config: Path = typer.Argument(..., help="The config of the pipeline"),
    corpus: Path = typer.Argument(..., help="Folder with train.spacy and dev.spacy"),
    old: str = typer.Argument(..., help="The label that is known"),
    new: str = typer.Argument(..., help="The label that is new"),
    steps: int = typer.Option(800, help="Updates of each training"),
):
    """Print a table of F-scores."""
    fix_random_seed(0)
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(config), auto_fill=True)
    golds = list(read_docs(corpus / "train.spacy", nlp.vocab))
    dev = list(read_docs(corpus / "dev.spacy", nlp.vocab))
    random.Random(0).shuffle(golds)
    first, second = golds[::2], golds[1::2]
    start = examples_of(nlp, first, [old])
    nlp.initialize(lambda: start)
    optimizer = Adam(0.002, L2=0.01, grad_clip=1.0, use_averages=True)
    train(nlp, start, optimizer, steps)
    with nlp.use_params(optimizer.averages):
        saved = nlp.to_bytes()

    rows = []

    def score(name: str, nlp: Language) -> None:
        found = nlp.evaluate(examples_of(nlp, dev, [old, new]))["ents_per_type"]
        rows.append((name, *(f"{100 * found.get(label, {'f': 0.0})['f']:.1f}" for label in (old, new))))

    score("before", spacy.util.load_model_from_config(nlp.config).from_bytes(saved))
    for way in ("outside", "rehearsal", "missing"):
        again = spacy.util.load_model_from_config(nlp.config).from_bytes(saved)
        optimizer = again.resume_training(sgd=Adam(0.002, L2=0.01, grad_clip=1.0, use_averages=True))
        again.get_pipe("bio_ner").add_label(new)
        examples = examples_of(again, second, [new])
        if way == "missing":
            for example in examples:
                example.reference.user_data["bio_ner"] = {"labels": [new]}
        train(again, examples, optimizer, steps, rehearse=way == "rehearsal")
        with again.use_params(optimizer.averages):
            score(way, again)
    msg.table(rows, header=("", f"{old} F", f"{new} F"), divider=True, aligns=tuple("lrr"))


if __name__ == "__main__":
    typer.run(main)
