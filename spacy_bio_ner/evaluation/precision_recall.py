"""What a threshold on the probability costs: precision against recall, and the threshold for a wanted one of them."""

from typing import NamedTuple, Optional, Union

import numpy

from .calibration import ScoredEntities

# The quantile of the normal distribution for a bound that holds with a probability of 0.95.
ONE_SIDED = 1.6449


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall at each threshold that makes a difference, from the highest to the lowest.

    thresholds (ndarray): The thresholds, float64, each half way between two probabilities that follow one another, so
        that rounding decides nothing; the last is half the lowest probability.
    precision (ndarray): The precision of the entities that are at least so probable.
    recall (ndarray): Their recall.
    precision_bound (ndarray): The lower bound of a one-sided 95 % interval of the precision.
    recall_bound (ndarray): The same of the recall.
    """

    thresholds: numpy.ndarray
    precision: numpy.ndarray
    recall: numpy.ndarray
    precision_bound: numpy.ndarray
    recall_bound: numpy.ndarray


def precision_recall_curve(entities: ScoredEntities) -> PrecisionRecallCurve:
    """RETURNS (PrecisionRecallCurve): Precision and recall of some entities at all thresholds; no point without one."""
    # In another batch a probability may be another in the last digits.
    probabilities = entities.probabilities.round(6)
    order = numpy.argsort(-probabilities, kind="stable")
    probabilities, right = probabilities[order], numpy.cumsum(entities.right[order])
    # Entities that are equally probable fall together: only the last of them is a point of the curve.
    last = numpy.flatnonzero(numpy.append(probabilities, -1.0)[1:] != probabilities)
    points = numpy.append(probabilities[last], 0.0)
    n_gold = max(entities.n_gold, 1)
    precision, recall = right[last] / (last + 1), right[last] / n_gold
    bounds = lower_bound(precision, last + 1), lower_bound(recall, n_gold)
    return PrecisionRecallCurve((points[:-1] + points[1:]) / 2, precision, recall, *bounds)


def lower_bound(share: numpy.ndarray, n: Union[int, numpy.ndarray]) -> numpy.ndarray:
    """The lower bound of a one-sided 95 % interval of a share (Wilson 1927).

    share (ndarray): The shares, 0 to 1.
    n (Union[int, ndarray]): How many each is a share of.
    RETURNS (ndarray): The bounds.
    """
    z2 = ONE_SIDED**2
    spread = ONE_SIDED * numpy.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return (share + z2 / (2 * n) - spread) / (1 + z2 / n)


def threshold_for(
    curve: PrecisionRecallCurve, precision: Optional[float] = None, recall: Optional[float] = None
) -> Optional[float]:
    """Find the threshold for a wanted precision, at the highest recall, or for a wanted recall, at the highest
    precision. Of many thresholds some reach what is wanted by luck, and the one chosen for it falls short on other
    texts. So it is the lower bound that has to reach it.

    curve (PrecisionRecallCurve): The curve.
    precision (Optional[float]): The precision wanted, 0 to 1.
    recall (Optional[float]): The recall wanted, 0 to 1, if no precision is.
    RETURNS (Optional[float]): The threshold; None if there is none with as much.
    """
    if precision is not None:
        enough, other = numpy.flatnonzero(curve.precision_bound >= precision), curve.recall
    else:
        enough, other = numpy.flatnonzero(curve.recall_bound >= recall), curve.precision
    return float(curve.thresholds[enough[other[enough].argmax()]]) if len(enough) else None
