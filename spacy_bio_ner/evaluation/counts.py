"""Strict counts and scores: spans of characters in, numbers out. No spaCy, no model."""

from typing import NamedTuple, Sequence, Set

import numpy


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
