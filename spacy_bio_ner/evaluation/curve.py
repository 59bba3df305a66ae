"""What a threshold on the confidence costs: precision against recall, and the threshold for a wanted one of them."""

from typing import NamedTuple, Optional

import numpy

from .calibration import Judgements

# The quantile of the normal distribution for a lower end that holds with a probability of 0.95.
ONE_SIDED = 1.6449


class Dial(NamedTuple):
    """Precision and recall at each threshold that makes a difference, from the highest to the lowest.

    thresholds (ndarray): The thresholds, float64, each half way between two confidences that follow one another, so
        that rounding decides nothing; the last is half the lowest confidence.
    precision (ndarray): The precision of the entities that are at least so probable.
    recall (ndarray): Their recall.
    sure_precision (ndarray): The lower end of a one-sided 95 % interval of the precision.
    sure_recall (ndarray): The same of the recall.
    """

    thresholds: numpy.ndarray
    precision: numpy.ndarray
    recall: numpy.ndarray
    sure_precision: numpy.ndarray
    sure_recall: numpy.ndarray


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
    n_gold = max(judgements.n_gold, 1)
    precision, recall = right[last] / (last + 1), right[last] / n_gold
    lower_ends = lower_end(precision, last + 1), lower_end(recall, n_gold)
    return Dial((points[:-1] + points[1:]) / 2, precision, recall, *lower_ends)


def lower_end(share: numpy.ndarray, n: numpy.ndarray) -> numpy.ndarray:
    """The lower end of a one-sided 95 % interval of a share (Wilson 1927).

    share (ndarray): The shares, 0 to 1.
    n (ndarray): How many each is a share of.
    RETURNS (ndarray): The lower ends.
    """
    z2 = ONE_SIDED**2
    spread = ONE_SIDED * numpy.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return (share + z2 / (2 * n) - spread) / (1 + z2 / n)


def threshold_for(dial: Dial, precision: Optional[float] = None, recall: Optional[float] = None) -> Optional[int]:
    """Find the threshold for a wanted precision, at the highest recall, or for a wanted recall, at the highest
    precision. Of many thresholds some reach what is wanted by luck, and the one chosen for it falls short on other
    texts: it is the lower end of the interval that has to reach it.

    dial (Dial): The curve.
    precision (Optional[float]): The precision wanted, 0 to 1.
    recall (Optional[float]): The recall wanted, 0 to 1, if no precision is.
    RETURNS (Optional[int]): The index of the point in the curve; None if none has as much.
    """
    if precision is not None:
        enough = numpy.flatnonzero(dial.sure_precision >= precision)
        return int(enough[-1]) if len(enough) else None
    enough = numpy.flatnonzero(dial.sure_recall >= recall)
    return int(enough[numpy.argmax(dial.precision[enough])]) if len(enough) else None
