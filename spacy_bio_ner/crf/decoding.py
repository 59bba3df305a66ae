"""The most probable sequences of states: the best of each document (Viterbi), or the k best of one."""

from typing import Tuple

import numpy
from thinc.types import Floats1d, Floats2d, Ints1d

from ..layers.packing import Packing


def viterbi(xp, emissions: Floats2d, transitions: Floats2d, starts: Floats1d, packing: Packing) -> Ints1d:
    """The best sequence of each document (Viterbi 1967). Only the best scores are kept. The way back chooses each state
    anew from them, which takes a pass over one row of transitions instead of a table of back-pointers.

    xp: The array module.
    emissions (Floats2d): The packed scores of states, float64 of shape (rows, states); -inf where not allowed.
    transitions (Floats2d): The scores of transitions, float64.
    starts (Floats1d): The scores of starts, float64.
    packing (Packing): The packing.
    RETURNS (Ints1d): The packed states, int64 of shape (rows,).
    """
    # Of shape (states, rows) on the way there: maxima over the few states then run along the long axis.
    best = xp.ascontiguousarray(emissions.T)
    # With the highest emission of each token at 0 a score falls by no more than a token's spread of scores. In float64
    # sums of these stay exact enough for any length: 1e-9 after ten million nats.
    best -= best.max(axis=0)
    by_previous = transitions[:, :, None]
    before = None
    for n, rows in zip(packing.sizes, packing.steps):
        score = best[:, rows]
        if before is None:
            score += starts[:, None]
        else:
            score += (before[:, None, :n] + by_previous).max(axis=0)
        before = score
    best, to_state = xp.ascontiguousarray(best.T), xp.ascontiguousarray(transitions.T)
    chosen = xp.empty(len(best), dtype="int64")
    after = chosen[:0]
    for rows in reversed(packing.steps):
        score = best[rows]
        score[: len(after)] += to_state.take(after, axis=0)
        after = chosen[rows]
        score.argmax(axis=1, out=after)
    return chosen


def k_best(
    emissions: numpy.ndarray, transitions: numpy.ndarray, starts: numpy.ndarray, k: int
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """The k best sequences of one document, by list Viterbi (Seshadri & Sundberg 1994): at each token the k best ways
    to each state.

    emissions (ndarray): The score of each state for each token, float64 of shape (tokens, states); -inf where not
        allowed. At least one token.
    transitions (ndarray): The scores of transitions, float64 of shape (states, states).
    starts (ndarray): The scores of starts, float64 of shape (states,).
    k (int): The number of sequences, at least 1.
    RETURNS (Tuple[ndarray, ndarray]): The states, int64 of shape (found, tokens), best first, and the score of each
        sequence, float64 of shape (found,). Fewer than k are found where there are no more.
    """
    n_tokens, n_states = emissions.shape
    # The best ways to each state, of shape (ways, states), best first; a way that does not exist has the score -inf.
    scores = (starts + emissions[0])[None]
    came_from = []
    for token in range(1, n_tokens):
        extended = (scores[:, :, None] + transitions).reshape(-1, n_states)  # row: way * n_states + previous state
        best = numpy.argsort(-extended, axis=0, kind="stable")[:k]
        came_from.append(best)
        scores = numpy.take_along_axis(extended, best, axis=0) + emissions[token]
    flat = scores.ravel()
    best = numpy.argsort(-flat, kind="stable")[:k]
    best = best[flat[best] > -numpy.inf]
    states = numpy.empty((len(best), n_tokens), dtype="int64")
    way, state = numpy.divmod(best, n_states)
    for token in range(n_tokens - 1, -1, -1):
        states[:, token] = state
        if token:
            way, state = numpy.divmod(came_from[token - 1][way, state], n_states)
    return states, flat[best]
