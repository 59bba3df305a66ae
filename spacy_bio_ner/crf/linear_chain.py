"""A linear-chain conditional random field (Lafferty et al. 2001) over BIO tags: its potentials, their
partition and marginals by forward filtering and backward smoothing, and the loss of training.

Whatever the dtype of the scores, the recursions run in float64 and are normalised as they go, so their
error does not grow with the length of a document. Arrays inside them are (packed rows, tags).
"""

from dataclasses import dataclass
from typing import Callable, NamedTuple, Optional, Tuple

import numpy
from thinc.api import Model, Ops
from thinc.types import Array2d, ArrayXd, Floats1d, Floats2d, Ragged

from ..layers.packing import Packing, pack
from .bio import allowed_starts, allowed_transitions, inside_tags

TINY = numpy.finfo("float64").tiny
# Products of probabilities are normalised once in so many steps.
STEPS_PER_NORM = 8
# What is lost where products of float64 vanish is less than TINY, e to the minus 708. Next to the sums before two norms
# in a row, each at least e to the minus this, it does not count. Sums of at most e to this are far from infinite.
MAX_LOG_TOTAL = 300.0


@dataclass
class Potentials:
    """The scores that define the distribution over tag sequences, or their gradient.

    emissions (Ragged): The score of each tag for each token, data of shape (tokens, n_tags).
    transitions (Floats2d): The score of a tag after another, [previous tag, tag]; -inf where forbidden.
    starts (Floats1d): The score of a tag for the first token; -inf where forbidden.
    """

    emissions: Ragged
    transitions: Floats2d
    starts: Floats1d


class Posterior(NamedTuple):
    """What is known of the tags, given the scores. All float64.

    log_partition (Floats1d): Per sequence, the log of the summed scores of all its tag sequences.
    tags (Floats2d): Per token, the probability of each tag. Shape (tokens, n_tags).
    continuations (Floats2d): Per token, if it has a tag, the probability that the next token goes on with it: is
        inside the same entity or, for O, outside too. Shape (tokens, n_tags); 0 where no token follows.
    transitions (Floats2d): The expected number of times a tag follows another, summed over the batch.
    starts (Floats1d): The expected number of times a sequence starts with a tag, summed over the batch.
    """

    log_partition: Floats1d
    tags: Floats2d
    continuations: Floats2d
    transitions: Floats2d
    starts: Floats1d


def CRF(nO: Optional[int] = None) -> Model[Ragged, Potentials]:
    """Build the layer that owns the scores of transitions and starts. It scores nothing by itself: its
    output holds the emissions it was given, and those scores with what BIO forbids masked.

    nO (Optional[int]): The number of tags.
    RETURNS (Model[Ragged, Potentials]): The layer.
    """
    return Model("crf", _forward, init=_init, dims={"nO": nO}, params={"transitions": None, "starts": None})


def _init(model: Model[Ragged, Potentials], X: Optional[Ragged] = None, Y: Optional[Ragged] = None) -> None:
    nO = model.get_dim("nO")
    model.set_param("transitions", model.ops.alloc2f(nO, nO))
    model.set_param("starts", model.ops.alloc1f(nO))


def _forward(model: Model[Ragged, Potentials], emissions: Ragged, is_train: bool) -> Tuple[Potentials, Callable]:
    xp, nO = model.ops.xp, model.get_dim("nO")
    transitions = xp.where(xp.asarray(allowed_transitions(nO)), model.get_param("transitions"), -xp.inf)
    starts = xp.where(xp.asarray(allowed_starts(nO)), model.get_param("starts"), -xp.inf)

    def backprop(d: Potentials) -> Ragged:
        model.inc_grad("transitions", d.transitions)
        model.inc_grad("starts", d.starts)
        return d.emissions

    return Potentials(emissions, transitions, starts), backprop


def tempered(potentials: Potentials, temperature: float) -> Potentials:
    """Divide all scores by a temperature: above 1 the distribution over tag sequences gets flatter, below 1 steeper.
    The order of the sequences stays (Guo et al. 2017, there for one softmax).

    potentials (Potentials): The scores.
    temperature (float): More than 0.
    RETURNS (Potentials): The scores divided.
    """
    return Potentials(
        Ragged(potentials.emissions.dataXd / temperature, potentials.emissions.lengths),
        potentials.transitions / temperature,
        potentials.starts / temperature,
    )


def negative_log_likelihood(ops: Ops, potentials: Potentials, allowed: numpy.ndarray) -> Tuple[float, Potentials]:
    """The loss of training: minus the log probability that each sequence's tags are among the allowed
    ones. Where annotation is missing several tags are allowed, and the loss sums over all of them
    (marginal likelihood; Tsuboi et al. 2008).

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores.
    allowed (ndarray): Booleans of shape (tokens, n_tags).
    RETURNS (Tuple[float, Potentials]): The loss in nats, summed over the batch, and its gradient.
    """
    packing = pack(ops, potentials.emissions.lengths)
    free = posterior(ops, potentials, packing)
    gold = posterior(ops, potentials, packing, ops.xp.asarray(allowed))
    dtype = potentials.emissions.data.dtype
    gradient = Potentials(
        Ragged((free.tags - gold.tags).astype(dtype), potentials.emissions.lengths),
        (free.transitions - gold.transitions).astype(dtype),
        (free.starts - gold.starts).astype(dtype),
    )
    return float((free.log_partition - gold.log_partition).sum()), gradient


def posterior(ops: Ops, potentials: Potentials, packing: Packing, allowed: Optional[Array2d] = None) -> Posterior:
    """Forward filtering and backward smoothing. The backward pass turns the filtered probabilities of a
    step into smoothed ones with the smoothed ones of the step after (Rauch, Tung & Striebel 1965, here for
    a finite state space); it does not see the emissions again, and so cannot overflow.

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores.
    packing (Packing): The packing of potentials.emissions.
    allowed (Optional[Array2d]): Booleans of shape (tokens, n_tags); others have no probability.
    RETURNS (Posterior): The partition, the marginals and the expected counts.
    """
    xp = ops.xp
    emissions = packed_emissions(xp, potentials, packing, allowed)
    transitions = xp.exp(potentials.transitions.astype("float64"))
    starts = xp.exp(potentials.starts.astype("float64"))
    given = (emissions, transitions, starts, packing)
    filtered, predicted, log_totals = _filter(xp, *given) or _filter_in_logs(xp, *given)
    smoothed = filtered.copy()
    # smoothed / predicted, kept in the place of predicted. A tag that was never predicted is never smoothed
    # either, and 0 / tiny is 0.
    ratio = xp.maximum(predicted, TINY, out=predicted)
    future = xp.empty_like(ratio)
    to_previous = transitions.T
    for t in range(len(packing.sizes) - 1, 0, -1):
        n, rows, start = packing.sizes[t], packing.steps[t], packing.steps[t - 1].start
        step_ratio, step_future = ratio[rows], future[rows]
        xp.divide(smoothed[rows], step_ratio, out=step_ratio)
        xp.matmul(step_ratio, to_previous, out=step_future)
        smoothed[start : start + n] *= step_future
    first = packing.sizes[0] if packing.sizes else 0
    inside = xp.asarray(inside_tags(len(starts)))
    stays = transitions[xp.arange(len(starts)), inside]
    continuations = xp.zeros_like(smoothed)
    goes_on = stays * ratio[first:, inside] / xp.maximum(future[first:], TINY)
    continuations[packing.previous] = xp.minimum(goes_on, 1.0)
    return Posterior(
        xp.bincount(packing.owners, weights=log_totals, minlength=len(potentials.emissions.lengths)),
        unpacked(xp, smoothed, packing),
        unpacked(xp, continuations, packing),
        transitions * xp.matmul(filtered[packing.previous].T, ratio[first:]),
        smoothed[:first].sum(axis=0),
    )


def _filter(
    xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing
) -> Optional[Tuple[Floats2d, Floats2d, Floats1d]]:
    """The forward pass, by products of the exponentiated scores.

    emissions (Floats2d): The packed emissions, of shape (rows, n_tags).
    transitions (Floats2d): The exponentiated scores of transitions.
    starts (Floats1d): The exponentiated scores of starts.
    RETURNS (Optional[Tuple[Floats2d, Floats2d, Floats1d]]): What the probabilities of the tags of each row given the
        tokens up to it are proportional to, of shape (rows, n_tags), normalised at the last row of each sequence; the
        same without the row's own emission, and in the row before's proportion; and of each row the log of what it was
        divided by. None if products may have lost too much: if, with the highest emission of each row at 0, the log of
        any row's sum before it is divided is not within MAX_LOG_TOTAL of 0.
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
        # Sums are 1 where a row has been normalised already.
        sums = filtered.sum(axis=1)
        if not (xp.abs(xp.log(divisors * sums)) < MAX_LOG_TOTAL).all():
            return None
        filtered[packing.last] /= sums[packing.last, None]
        divisors[packing.last] *= sums[packing.last]
        return filtered, predicted, xp.log(divisors) + highest


def _filter_in_logs(
    xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing
) -> Tuple[Floats2d, Floats2d, Floats1d]:
    """The same as _filter, for scores so far apart that products vanish: each step is computed in logs."""
    filtered, predicted = emissions.copy(), xp.empty_like(emissions)
    log_totals = xp.empty(len(emissions), dtype="float64")
    before = None
    # The log of a forbidden tag's probability is -inf: meant, and no reason to warn.
    with numpy.errstate(divide="ignore"):
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
    return filtered, predicted, log_totals


def unpacked(xp, rows: ArrayXd, packing: Packing) -> ArrayXd:
    """RETURNS (ArrayXd): Packed rows in the order of tokens."""
    tokens = xp.empty_like(rows)
    tokens[packing.forward] = rows
    return tokens


def packed_emissions(xp, potentials: Potentials, packing: Packing, allowed: Optional[Array2d]) -> Floats2d:
    """RETURNS (Floats2d): The emissions as float64 of shape (rows, n_tags), -inf where not allowed."""
    emissions = potentials.emissions.dataXd
    if allowed is not None:
        emissions = xp.where(allowed, emissions, -xp.inf)
    return xp.take(emissions, packing.forward, axis=0).astype("float64")
