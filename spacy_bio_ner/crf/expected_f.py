"""The entities of the highest expected F-score together, by Dinkelbach's iteration over interval scheduling."""

import numpy


def expected_f(n_right: float, n_predicted: int, n_gold: float, beta: float) -> float:
    """The F-score with expected numbers in the place of counts:
    (1 + beta^2) * n_right / (beta^2 * n_gold + n_predicted).

    n_right (float): The expected number of predicted entities that are right.
    n_predicted (int): The number of predicted entities.
    n_gold (float): The expected number of gold entities.
    beta (float): How many times as much recall counts as precision.
    RETURNS (float): The score; 0 where there is nothing to divide by.
    """
    denominator = beta**2 * n_gold + n_predicted
    return (1 + beta**2) * n_right / denominator if denominator else 0.0


def best_expected_f(
    spans: numpy.ndarray,
    probabilities: numpy.ndarray,
    n_gold: float,
    beta: float,
    initial: numpy.ndarray,
    n_certain: int = 0,
) -> numpy.ndarray:
    """Choose those spans, none overlapping another, that have the highest expected F-score together.

    The score is a ratio of sums over the chosen spans, so the best choice for a guess of its value is the one with the
    highest sum of (1 + beta^2) * probability - guess, and guessing again with what that choice scores never gets worse
    and ends at the best (Dinkelbach 1967).

    spans (ndarray): Rows of start token, end token (exclusive) and label index, of one document.
    probabilities (ndarray): The probability of each span.
    n_gold (float): The expected number of gold entities.
    beta (float): How many times as much recall counts as precision.
    initial (ndarray): Indices of the spans to start from, such as Viterbi's. The choice never scores less.
    n_certain (int): The number of entities that are predicted and right besides these spans.
    RETURNS (ndarray): The indices of the chosen spans.
    """

    def score(chosen: numpy.ndarray) -> float:
        n_right = probabilities[chosen].sum() + n_certain
        return expected_f(n_right, len(chosen) + n_certain, n_gold + n_certain, beta)

    chosen, guess = initial, score(initial)
    while True:
        better = _schedule(spans, (1 + beta**2) * probabilities - guess)
        reached = score(better)
        if reached <= guess:
            return chosen
        chosen, guess = better, reached


def _schedule(spans: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): The indices of the spans of the highest summed weight, none overlapping another."""
    worthy = numpy.flatnonzero(weights > 0)
    worthy = worthy[numpy.argsort(spans[worthy, 1], kind="stable")]
    # Of the spans in the order of their ends, how many end before each starts.
    before = numpy.searchsorted(spans[worthy, 1], spans[worthy, 0], side="right").tolist()
    best = [0.0]  # the highest sum among the first spans, by their number
    for weight, n in zip(weights[worthy].tolist(), before):
        best.append(max(best[-1], best[n] + weight))
    chosen, n = [], len(worthy)
    while n:
        if best[n] > best[n - 1]:
            chosen.append(worthy[n - 1])
            n = before[n - 1]
        else:
            n -= 1
    return numpy.array(chosen[::-1], dtype="int64")
