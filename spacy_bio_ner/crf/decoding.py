"""The most probable tag sequences of a linear-chain CRF: the best of each document, or the k best of one."""

from typing import Optional, Tuple

import numpy
from thinc.api import Ops
from thinc.types import Array2d, Ints1d

from ..layers.packing import Packing
from .linear_chain import Posterior, Potentials, packed_emissions, unpacked


def certain_tags(xp, posterior: Posterior) -> Optional[Ints1d]:
    """The best tag sequences, where the marginals of the tags tell them: the probability that not all of the most
    probable tags are right is at most the sum of the probabilities that each is wrong. If that is less than a half,
    no other sequence can be as probable as theirs. So it is for most short texts, but for no larger batch. It is as
    right as the marginals are: to them a tag that is e^700 times less probable than another, given the tokens up to it,
    is impossible, whatever comes after.

    xp: The array module.
    posterior (Posterior): What is known of the tags.
    RETURNS (Optional[Ints1d]): The tag ids, of shape (tokens,); None if the marginals do not tell.
    """
    wrong = len(posterior.tags) - posterior.tags.max(axis=1).sum()
    return posterior.tags.argmax(axis=1) if wrong < 0.5 else None


def viterbi(ops: Ops, potentials: Potentials, packing: Packing, allowed: Optional[Array2d] = None) -> Ints1d:
    """The best tag sequence of each document (Viterbi 1967). Only the best scores are kept; the way back
    chooses each tag anew from them, which takes a pass over one row of transitions instead of a table of
    back-pointers.

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores.
    packing (Packing): The packing of potentials.emissions.
    allowed (Optional[Array2d]): Booleans of shape (tokens, n_tags); other tags are never chosen.
    RETURNS (Ints1d): The tag ids, of shape (tokens,).
    """
    xp = ops.xp
    # Of shape (n_tags, rows) on the way there: maxima over the few tags then run along the long axis.
    best = xp.ascontiguousarray(packed_emissions(xp, potentials, packing, allowed).T)
    # With the highest emission of each token at 0 a score falls by no more than a token's spread of scores. In float64
    # sums of these stay exact enough for any length: 1e-9 after ten million nats.
    best -= best.max(axis=0)
    transitions = potentials.transitions.astype("float64")
    by_previous = transitions[:, :, None]
    before = None
    for n, rows in zip(packing.sizes, packing.steps):
        score = best[:, rows]
        if before is None:
            score += potentials.starts.astype("float64")[:, None]
        else:
            score += (before[:, None, :n] + by_previous).max(axis=0)
        before = score
    best, to_tag = xp.ascontiguousarray(best.T), xp.ascontiguousarray(transitions.T)
    chosen = xp.empty(len(best), dtype="int64")
    after = chosen[:0]
    for rows in reversed(packing.steps):
        score = best[rows]
        score[: len(after)] += to_tag.take(after, axis=0)
        after = chosen[rows]
        score.argmax(axis=1, out=after)
    return unpacked(xp, chosen, packing)


def k_best(
    emissions: numpy.ndarray, transitions: numpy.ndarray, starts: numpy.ndarray, k: int
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """The k best tag sequences of one document, by list Viterbi (Seshadri & Sundberg 1994): at each token the k best
    ways to each tag.

    emissions (ndarray): The score of each tag for each token, float64 of shape (tokens, n_tags); -inf where not
        allowed. At least one token.
    transitions (ndarray): The score of a tag after another, float64 of shape (n_tags, n_tags).
    starts (ndarray): The score of a tag for the first token, float64 of shape (n_tags,).
    k (int): The number of sequences, at least 1.
    RETURNS (Tuple[ndarray, ndarray]): The tag ids, int64 of shape (found, tokens), best first, and the score of each
        sequence, float64 of shape (found,). Fewer than k are found where there are no more.
    """
    n_tokens, n_tags = emissions.shape
    # The best ways to each tag, of shape (ways, tags), best first; a way that does not exist has the score -inf.
    scores = (starts + emissions[0])[None]
    came_from = []
    for token in range(1, n_tokens):
        extended = (scores[:, :, None] + transitions).reshape(-1, n_tags)  # row: way * n_tags + previous tag
        best = numpy.argsort(-extended, axis=0, kind="stable")[:k]
        came_from.append(best)
        scores = numpy.take_along_axis(extended, best, axis=0) + emissions[token]
    flat = scores.ravel()
    best = numpy.argsort(-flat, kind="stable")[:k]
    best = best[flat[best] > -numpy.inf]
    tags = numpy.empty((len(best), n_tokens), dtype="int64")
    way, tag = numpy.divmod(best, n_tags)
    for token in range(n_tokens - 1, -1, -1):
        tags[:, token] = tag
        if token:
            way, tag = numpy.divmod(came_from[token - 1][way, tag], n_tags)
    return tags, flat[best]
