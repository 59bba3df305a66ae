"""What helps a pipeline to know how right it is on texts unlike those it was trained on? The precision that its
probabilities forecast, beside the true one, on its own dev split and on another corpus, for signals that are cheap:

- plain: one temperature for all scores, fitted on dev;
- unseen words: another temperature for the emissions of tokens that training has not, so that probabilities stay exact;
- unseen sentences: that second temperature fitted on those sentences of dev only that have an unseen mention;
- ensemble: the mean of the probabilities that several pipelines give the entities of the first.

Temperatures are fitted on one half of dev's sentences and judged on the other, both ways round; for another corpus they
are fitted on all of dev.
"""

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy
import spacy
import typer
from scipy.optimize import minimize
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import NumpyOps
from thinc.types import Ragged
from wasabi import msg

from spacy_bio_ner.constraints import gold_constraints
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.crf.bio import tags_to_spans
from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.crf.potentials import Potentials

OPS = NumpyOps()
BATCH = 500


class Batch(NamedTuple):
    """Scores of some sentences under each pipeline, and the truth about them."""

    scores: List[Potentials]
    allowed: numpy.ndarray
    is_unseen: numpy.ndarray
    gold: Set[Tuple[int, int, int]]


def read(
    pipelines: Sequence[Language], path: Path, words: Set[str], mentions: Optional[Set[str]] = None
) -> List[Batch]:
    """RETURNS (List[Batch]): A corpus in batches; with mentions only the sentences that have one which is not there."""
    component = pipelines[0].get_pipe("bio_ner")
    golds = [doc for doc in read_docs(path, pipelines[0].vocab) if len(doc)]
    if mentions is not None:
        golds = [doc for doc in golds if any(ent.text.lower() not in mentions for ent in doc.ents)]
    batches = []
    for i in range(0, len(golds), BATCH):
        part = golds[i : i + BATCH]
        docs = [Doc(doc.vocab, words=[token.text for token in doc]) for doc in part]
        starts = numpy.cumsum([0, *map(len, docs)])
        allowed, _ = gold_constraints([Example(a, b) for a, b in zip(docs, part)], component.labels, None)
        gold = {
            (start + ent.start, start + ent.end, component.labels.index(ent.label_))
            for start, doc in zip(starts, part)
            for ent in doc.ents
            if ent.label_ in component.labels
        }
        is_unseen = numpy.array([token.lower_ not in words for doc in docs for token in doc])
        scores = [nlp.get_pipe("bio_ner").model.predict(docs) for nlp in pipelines]
        batches.append(Batch(scores, allowed, is_unseen, gold))
    return batches


def distribution(batch: Batch, temperatures: Sequence[float], member: int = 0) -> LinearChain:
    """RETURNS (LinearChain): That of one pipeline, at one temperature or another for emissions of unseen tokens."""
    plain, unseen = temperatures
    scores = batch.scores[member]
    factor = numpy.where(batch.is_unseen, plain / unseen, 1.0)[:, None]
    emissions = Ragged(scores.emissions.dataXd.astype("float64") * factor, scores.emissions.lengths)
    potentials = Potentials(emissions, scores.transitions.astype("float64"), scores.starts.astype("float64"))
    return LinearChain.from_potentials(OPS, potentials, plain)


def fit(batches: Sequence[Batch], free: int, plain: Optional[float] = None) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): The temperatures, both free, one for both, or the second for a given first."""

    def both(x: numpy.ndarray) -> Tuple[float, float]:
        values = numpy.exp(x)
        return (plain, values[0]) if plain is not None else (values[0], values[-1])

    def loss(x: numpy.ndarray) -> float:
        total = 0.0
        for batch in batches:
            chain = distribution(batch, both(x))
            total += float((chain.log_partition - chain.given(batch.allowed).log_partition).sum())
        return total

    found = minimize(loss, numpy.full(free, 0.3), method="Nelder-Mead", options={"xatol": 0.01, "fatol": 0.1})
    return both(found.x)


def judge(batches: Sequence[Batch], temperatures: Sequence[float], members: int, label: Optional[int]) -> numpy.ndarray:
    """RETURNS (ndarray): For each entity its probability and whether it is right."""
    rows = []
    for batch in batches:
        chains = [distribution(batch, temperatures, member) for member in range(members)]
        spans = tags_to_spans(chains[0].viterbi())
        if label is not None:
            spans = spans[spans[:, 2] == label]
        probabilities = numpy.mean([chain.span_probabilities(spans) for chain in chains], axis=0)
        rows += [(p, tuple(span) in batch.gold) for p, span in zip(probabilities.tolist(), spans.tolist())]
    return numpy.array(rows, dtype="float64")


def main(
    train: Path = typer.Argument(..., help="The .spacy file of the training split"),
    dev: Path = typer.Argument(..., help="The .spacy file of the dev split"),
    other: Path = typer.Argument(..., help="The .spacy file of another corpus"),
    models: List[str] = typer.Argument(..., help="Pipelines that differ in their seed; the first is judged"),
    label: str = typer.Option(..., help="The label that the other corpus has"),
):
    """Compare forecast and true precision."""
    pipelines = [spacy.load(model) for model in models]
    component = pipelines[0].get_pipe("bio_ner")
    trained = list(read_docs(train, pipelines[0].vocab))
    words = {token.lower_ for doc in trained for token in doc}
    mentions = {ent.text.lower() for doc in trained for ent in doc.ents}
    near, far = read(pipelines, dev, words), read(pipelines, other, words)
    hard = read(pipelines, dev, words, mentions)
    halves = near[::2], near[1::2]
    plain, plain_of_halves = fit(near, 1), [fit(half, 1) for half in halves]
    of_hard = [fit(hard[i::2], 1, plain_of_halves[i][0]) for i in (0, 1)]
    fitted: Dict[str, Tuple[Tuple[float, float], int, List[Tuple[float, float]]]] = {
        "plain": (plain, 1, plain_of_halves),
        "unseen words": (fit(near, 2), 1, [fit(half, 2) for half in halves]),
        "unseen sentences": (fit(hard, 1, plain[0]), 1, of_hard),
        "ensemble": (plain, len(pipelines), plain_of_halves),
    }
    rows = []
    for name, (temperatures, members, of_halves) in fitted.items():
        dev_rows = numpy.concatenate([judge(halves[1 - i], of_halves[i], members, None) for i in (0, 1)])
        far_rows = judge(far, temperatures, members, component.labels.index(label))
        row = [name, "{:.2f} {:.2f}".format(*temperatures)]
        for found in (dev_rows, far_rows):
            forecast, precision = 100 * found.mean(axis=0)
            row += [f"{forecast:.1f}", f"{precision:.1f}", f"{forecast - precision:+.1f}"]
        rows.append(row)
    header = ("", "temperatures", "dev: forecast", "true", "error", "other: forecast", "true", "error")
    msg.table(rows, header=header, divider=True, aligns=tuple("lrrrrrrr"))


if __name__ == "__main__":
    typer.run(main)
