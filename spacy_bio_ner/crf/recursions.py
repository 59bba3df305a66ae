"""Forward filtering and backward smoothing over a batch of chains.

Whatever the dtype of the scores, the recursions run in float64 and are normalised as they go, so their error does not
grow with the length of a document. Arrays are packed: a row is a token, in the order of layers/packing.py. The columns
are states, which are the tags unless spans are rejected.
"""

from typing import NamedTuple, Optional

import numpy
from thinc.types import Floats1d, Floats2d

from ..layers.packing import Packing

TINY = numpy.finfo("float64").tiny
# The number of steps between two normalisations, each of which costs about as much as a step.
STEPS_PER_NORM = 8
# Plain products are used only if all of their sums are between e^-300 and e^300. The smallest float64 is about e^-708,
# so a term that has become 0 is at most e^-408 of its sum.
MAX_LOG_TOTAL = 300.0


class Filtered(NamedTuple):
    """The result of the forward pass.

    filtered (Floats2d): For each row the probability of each state given the tokens up to it, times a factor of the
        row's own. The last row of each sequence is normalised.
    predicted (Floats2d): The same before the row's own emission is counted, times the factor of the row before.
    log_totals (Floats1d): Of each row the log of what it was divided by. Summed over a sequence: its log partition.
    """

    filtered: Floats2d
    predicted: Floats2d
    log_totals: Floats1d


class Smoothed(NamedTuple):
    """The result of the backward pass.

    smoothed (Floats2d): For each row the probability of each state given all tokens.
    ratio (Floats2d): smoothed divided by predicted.
    future (Floats2d): ratio summed over a row's states, weighted by the transitions that lead to them from each state
        of the row before.
    """

    smoothed: Floats2d
    ratio: Floats2d
    future: Floats2d


def filter_forward(xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing) -> Filtered:
    """Run forward through all sequences.

    xp: The array module.
    emissions (Floats2d): The packed scores of states, float64 of shape (rows, states).
    transitions (Floats2d): The exponentiated scores of transitions, float64.
    starts (Floats1d): The exponentiated scores of starts, float64.
    packing (Packing): The packing.
    RETURNS (Filtered): The filtered probabilities.
    """
    given = (xp, emissions, transitions, starts, packing)
    return _filter_by_products(*given) or _filter_in_logs(*given)


def _filter_by_products(
    xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing
) -> Optional[Filtered]:
    """The fast way, by products of exponentiated scores.

    RETURNS (Optional[Filtered]): None if products may have lost too much: see MAX_LOG_TOTAL.
    """
    highest = emissions.max(axis=1)
    with numpy.errstate(divide="ignore", invalid="ignore", over="ignore"):
        filtered = xp.exp(emissions - highest[:, None])
        predicted, divisors = xp.empty_like(filtered), xp.ones(len(filtered))
        before = None
        for step, (n, rows) in enumerate(zip(packing.sizes, packing.steps), start=1):
            joint, step_predicted = filtered[rows], predicted[rows]
            if before is None:
                step_predicted[...] = starts
            else:
                xp.matmul(before[:n], transitions, out=step_predicted)
            joint *= step_predicted
            if step % STEPS_PER_NORM == 0:
                total = joint.sum(axis=1)
                joint /= total[:, None]
                divisors[rows] = total
            before = joint
        sums = filtered.sum(axis=1)  # 1 where a row has been normalised already
        if not (xp.abs(xp.log(divisors * sums)) < MAX_LOG_TOTAL).all():
            return None
        filtered[packing.last] /= sums[packing.last, None]
        divisors[packing.last] *= sums[packing.last]
        return Filtered(filtered, predicted, xp.log(divisors) + highest)


def _filter_in_logs(xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing) -> Filtered:
    """The same for scores so far apart that products vanish: each step is computed in logs and normalised."""
    filtered, predicted = emissions.copy(), xp.empty_like(emissions)
    log_totals = xp.empty(len(emissions), dtype="float64")
    before = None
    # A forbidden state has the probability 0, whose log is -inf, as it should be. Scores that are NaN give NaN.
    with numpy.errstate(divide="ignore", invalid="ignore"):
        for n, rows in zip(packing.sizes, packing.steps):
            joint = filtered[rows]
            predicted[rows] = starts if before is None else before[:n] @ transitions
            joint += xp.log(predicted[rows])
            highest = joint.max(axis=1)
            joint -= highest[:, None]
            xp.exp(joint, out=joint)
            total = joint.sum(axis=1)
            joint /= total[:, None]
            log_totals[rows] = highest + xp.log(total)
            before = joint
    return Filtered(filtered, predicted, log_totals)


def smooth_backward(xp, forward: Filtered, transitions: Floats2d, packing: Packing) -> Smoothed:
    """Run backward: the filtered probabilities of a step become smoothed ones with the smoothed ones of the step after
    (Rauch, Tung & Striebel 1965, here for a finite state space). The emissions are not seen again, so nothing can
    overflow.

    xp: The array module.
    forward (Filtered): The result of filter_forward. Its predicted is overwritten.
    transitions (Floats2d): The exponentiated scores of transitions, float64.
    packing (Packing): The packing.
    RETURNS (Smoothed): The smoothed probabilities.
    """
    smoothed = forward.filtered.copy()
    # A state that was predicted with probability 0 has the smoothed probability 0. Divided by TINY it stays 0.
    ratio = xp.maximum(forward.predicted, TINY, out=forward.predicted)
    future = xp.empty_like(ratio)
    to_previous = transitions.T
    for t in range(len(packing.sizes) - 1, 0, -1):
        n, rows, start = packing.sizes[t], packing.steps[t], packing.steps[t - 1].start
        step_ratio, step_future = ratio[rows], future[rows]
        xp.divide(smoothed[rows], step_ratio, out=step_ratio)
        xp.matmul(step_ratio, to_previous, out=step_future)
        smoothed[start : start + n] *= step_future
    return Smoothed(smoothed, ratio, future)
