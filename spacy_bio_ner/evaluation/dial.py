"""What a threshold on the confidence costs: precision against recall, and the threshold for a wanted one of them."""

from typing import NamedTuple, Optional

import numpy

from .calibration import Judgements


class Dial(NamedTuple):
    """Precision and recall at each threshold that makes a difference, from the highest to the lowest.

    thresholds (ndarray): The thresholds, float64, each half way between two confidences that follow one another, so
        that rounding decides nothing; the last is half the lowest confidence.
    precision (ndarray): The precision of the entities that are at least so probable.
    recall (ndarray): Their recall.
    """

    thresholds: numpy.ndarray
    precision: numpy.ndarray
    recall: numpy.ndarray


def turn(judgements: Judgements) -> Dial:
    """Compute precision and recall at all thresholds.

    judgements (Judgements): The entities of a corpus.
    RETURNS (Dial): The curve.
    """
    order = numpy.argsort(-judgements.probabilities, kind="stable")
    probabilities, right = judgements.probabilities[order], numpy.cumsum(judgements.right[order])
    # Equal confidences fall together: only the last of them is a point of the curve.
    last = numpy.flatnonzero(numpy.append(probabilities[1:] != probabilities[:-1], True))
    points = numpy.append(probabilities[last], 0.0)
    return Dial((points[:-1] + points[1:]) / 2, right[last] / (last + 1), right[last] / max(judgements.n_gold, 1))


def threshold_for(dial: Dial, precision: Optional[float] = None, recall: Optional[float] = None) -> Optional[int]:
    """Find the threshold for a wanted precision, at the highest recall, or for a wanted recall, at the highest
    precision.

    dial (Dial): The curve.
    precision (Optional[float]): The precision wanted, 0 to 1.
    recall (Optional[float]): The recall wanted, 0 to 1, if no precision is.
    RETURNS (Optional[int]): The index of the point in the curve; None if none has as much.
    """
    if precision is not None:
        enough = numpy.flatnonzero(dial.precision >= precision)
        return int(enough[-1]) if len(enough) else None
    enough = numpy.flatnonzero(dial.recall >= recall)
    return int(enough[numpy.argmax(dial.precision[enough])]) if len(enough) else None
