"""Strict scores: spans of characters in, numbers out. No spaCy, no model."""

from typing import NamedTuple, Sequence, Set

import numpy

N_RESAMPLES = 1000
SEED = 0
LEVEL = 0.95


class TextSpan(NamedTuple):
    """An entity, gold or predicted: its characters, its label, and the text they make."""

    start_char: int
    end_char: int
    label: str
    text: str


def count(gold: Set[TextSpan], predicted: Set[TextSpan], labels: Sequence[str]) -> numpy.ndarray:
    """Count what was found. A prediction is right if its characters and its label are those of a gold mention.

    gold (Set[TextSpan]): The gold mentions of a text.
    predicted (Set[TextSpan]): The predictions for it.
    labels (Sequence[str]): All labels of both.
    RETURNS (ndarray): True positives, false positives and false negatives of each label, int64, of shape (labels, 3).
    """
    counts = numpy.zeros((len(labels), 3), dtype="int64")
    for column, spans in enumerate((gold & predicted, predicted - gold, gold - predicted)):
        for span in spans:
            counts[labels.index(span.label), column] += 1
    return counts


def prf(counts: numpy.ndarray) -> numpy.ndarray:
    """Precision, recall and F-score; 0 where there is nothing to divide by, as spaCy and seqeval have it.

    counts (ndarray): True positives, false positives and false negatives, of shape (..., 3).
    RETURNS (ndarray): The scores, float64, of shape (..., 3).
    """
    tp, fp, fn = numpy.moveaxis(counts, -1, 0)
    found = numpy.stack([tp, tp, 2 * tp], axis=-1)
    of = numpy.stack([tp + fp, tp + fn, 2 * tp + fp + fn], axis=-1)
    return found / numpy.maximum(of, 1)


def resample(counts: numpy.ndarray, n_resamples: int = N_RESAMPLES, seed: int = SEED) -> numpy.ndarray:
    """Draw bootstrap samples: as many units as there are, with replacement. One sample is in memory at a time.

    counts (ndarray): The counts of each unit, of shape (units, labels, 3).
    n_resamples (int): The number of samples.
    seed (int): The seed of the draws.
    RETURNS (ndarray): The counts of each sample, float64, of shape (n_resamples, labels, 3).
    """
    rng = numpy.random.default_rng(seed)
    n_units = len(counts)
    flat = counts.reshape(n_units, -1).astype("float64")  # BLAS multiplies no integers; counts are exact to 2 ** 53
    samples = numpy.empty((n_resamples, flat.shape[1]))
    for sample in samples:
        times_drawn = numpy.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
        numpy.matmul(times_drawn.astype("float64"), flat, out=sample)
    return samples.reshape(n_resamples, *counts.shape[1:])


def interval(scores: numpy.ndarray) -> numpy.ndarray:
    """The percentile interval of bootstrap samples. A score that is undefined in a sample, such as that of a type
    which was not drawn, is 0 there as everywhere: the interval of a type that few units have is wide.

    scores (ndarray): The scores of the samples, of shape (samples, ...).
    RETURNS (ndarray): The lower and the upper end, float64, of shape (2, ...).
    """
    tail = (1 - LEVEL) / 2 * 100
    return numpy.percentile(scores, [tail, 100 - tail], axis=0)
