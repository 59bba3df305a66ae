"""How far a score would vary on other texts: intervals by resampling those there are (Efron and Tibshirani 1993)."""

from typing import Any, Dict, Iterable, List, Tuple

import numpy
from spacy.tokens import Doc

from ..corpora.source_mentions import document_id

N_RESAMPLES = 1000
SEED = 0
LEVEL = 0.95


def units_of(golds: Iterable[Doc]) -> Tuple[List[int], int]:
    """RETURNS (Tuple[List[int], int]): For each Doc the unit that is drawn in the bootstrap, and the number of
    units: the Docs of one document belong together, a Doc without a document stands alone."""
    indices: Dict[Any, int] = {}
    ids = (document_id(doc) for doc in golds)
    units = [indices.setdefault(i if name is None else name, len(indices)) for i, name in enumerate(ids)]
    return units, len(indices)


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
