"""Compare the exact probability of an entity with heuristics that are in use: the mean of its tokens' emission softmax,
and the least and the product of its tokens' marginals. Each is calibrated on dev by a temperature of its own, the one
that makes right and wrong entities most probable, and judged on test by a paired bootstrap over Docs.
"""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

import numpy
import typer
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import NumpyOps
from wasabi import msg

from spacy_bio_ner.cli._app import load_pipeline
from spacy_bio_ner.constraints import Constraints, preset_constraints
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.crf.bio import tags_to_spans
from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.crf.potentials import Potentials
from spacy_bio_ner.evaluation.bootstrap import SEED
from spacy_bio_ner.evaluation.calibration import TEMPERATURES, bio_ner_of, brier_score, expected_calibration_error

OPS = NumpyOps()


class Corpus(NamedTuple):
    """What the model says of a corpus, and its entities by Viterbi."""

    potentials: Potentials
    preset: Constraints
    spans: numpy.ndarray
    right: numpy.ndarray
    docs: numpy.ndarray


def read(nlp: Language, path: Path) -> Corpus:
    component = bio_ner_of(nlp)
    golds = list(read_docs(path, nlp.vocab))
    docs = [Doc(nlp.vocab, words=[token.text for token in gold]) for gold in golds]
    potentials = component.model.predict(docs)
    preset = preset_constraints(docs, component.labels, component.spans_key)
    spans = tags_to_spans(LinearChain.from_potentials(OPS, potentials).given(*preset).viterbi())
    offsets = numpy.cumsum([0, *map(len, docs)])
    gold = {(e.start + o, e.end + o, component.labels.index(e.label_)) for d, o in zip(golds, offsets) for e in d.ents}
    right = numpy.array([tuple(span) in gold for span in spans.tolist()])
    return Corpus(potentials, preset, spans, right, numpy.searchsorted(offsets, spans[:, 0], "right") - 1)


def of_tokens(pool: Callable, by_tag: Callable) -> Callable:
    """RETURNS (Callable): A measure that pools what by_tag gives for each token of an entity and its tag."""

    def measure(emissions: numpy.ndarray, chain: LinearChain, spans: numpy.ndarray) -> numpy.ndarray:
        values = by_tag(emissions, chain)
        return numpy.array(
            [pool([values[i, 1 + 2 * lb + (i > start)] for i in range(start, end)]) for start, end, lb in spans]
        )

    return measure


MEASURES: Dict[str, Callable] = {
    "exact probability": lambda _, chain, spans: chain.span_probabilities(spans),
    "mean emission softmax": of_tokens(numpy.mean, lambda emissions, _: softmax(emissions, axis=1)),
    "least token marginal": of_tokens(numpy.min, lambda _, chain: chain.marginals),
    "product of token marginals": of_tokens(numpy.prod, lambda _, chain: chain.marginals),
}


def confidences(measure: Callable, corpus: Corpus, temperature: float) -> numpy.ndarray:
    chain = LinearChain.from_potentials(OPS, corpus.potentials, temperature).given(*corpus.preset)
    return numpy.clip(measure(corpus.potentials.emissions.dataXd / temperature, chain, corpus.spans), 0.0, 1.0)


def main(
    models: List[str] = typer.Argument(..., help="Pipelines with a bio_ner"),
    dev: Path = typer.Option(..., help="The .spacy file to calibrate on"),
    test: Path = typer.Option(..., help="The .spacy file to judge on"),
    n_resamples: int = typer.Option(1000, help="Number of bootstrap samples"),
):
    """Compare measures of confidence, calibrated alike."""
    for model in models:
        nlp = load_pipeline(model, -1)
        corpora = {"dev": read(nlp, dev), "test": read(nlp, test)}
        rng = numpy.random.default_rng(SEED)
        right, docs = corpora["test"].right, corpora["test"].docs
        n_docs = int(docs.max()) + 1
        drawn = [numpy.bincount(rng.integers(n_docs, size=n_docs), minlength=n_docs)[docs] for _ in range(n_resamples)]
        rows, ours = [], None
        for name, measure in MEASURES.items():
            fitted = minimize_scalar(
                lambda log: log_loss(corpora["dev"].right, confidences(measure, corpora["dev"], numpy.exp(log))),
                bounds=numpy.log(TEMPERATURES),
                method="bounded",
                options={"xatol": 1e-2},
            )
            temperature = float(numpy.exp(fitted.x))
            found = confidences(measure, corpora["test"], temperature)
            samples = numpy.array(
                [
                    (numpy.average((found - right) ** 2, weights=n), roc_auc_score(right, found, sample_weight=n))
                    for n in drawn
                ]
            )
            ours = samples if ours is None else ours
            intervals = numpy.percentile(samples - ours, [2.5, 97.5], axis=0).T
            error, auroc = expected_calibration_error(found, right), roc_auc_score(right, found)
            figures = (f"{value:.4f}" for value in (temperature, error, brier_score(found, right), auroc))
            rows.append((name, *figures, *(f"{low:+.4f} to {high:+.4f}" for low, high in intervals)))
        header = ("", "Temperature", "Error", "Brier", "AUROC", "Brier - ours", "AUROC - ours")
        msg.table(rows, title=f"{model}: {len(right)} entities", header=header, divider=True, aligns=("l", *"r" * 6))


if __name__ == "__main__":
    typer.run(main)
