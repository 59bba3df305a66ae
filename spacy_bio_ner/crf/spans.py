"""Exact probabilities of spans, from the marginals of a chain.

The states of a document are a Markov chain: how an entity goes on depends on its last state alone. The probability of a
span is therefore a product along its tokens. The product never grows, so the search for probable spans ends as soon as
it falls below the threshold.
"""

from typing import List, Tuple

import numpy
from thinc.types import Floats1d, Floats2d, Ints2d

from .bio import O
from .rejections import States


def span_probabilities(xp, marginals: Floats2d, goes_on: Floats2d, states: States, spans: Ints2d) -> Floats1d:
    """The probability of spans: that exactly these tokens are an entity with this label, summed over all tag
    sequences (Culotta & McCallum 2004). It is the probability that the entity begins, that each token
    continues it to the last, and that the token after does not.

    xp: The array module.
    marginals (Floats2d): The probability of each state, float64 of shape (tokens, states).
    goes_on (Floats2d): Given each state, the probability that the next token continues it, of the same shape.
    states (States): The states.
    spans (Ints2d): Rows of start token, end token (exclusive) and label index.
    RETURNS (Floats1d): The probabilities, of shape (spans,).
    """
    tokens, ends, labels = (column.copy() for column in spans.T)
    at = 1 + 2 * labels
    probabilities = marginals[tokens, at]
    for row, (start, end, label) in enumerate(spans.tolist() if states.tracks else ()):
        track = states.tracks.get((start, label))
        if track is None:
            continue
        if end <= track.last:
            probabilities[row] = marginals[end - 1, track.begin_ends if end == start + 1 else track.ends]
            tokens[row] = end  # that is all of the product
        elif track.beyond is None:
            probabilities[row], tokens[row] = 0.0, end
        else:
            probabilities[row], tokens[row], at[row] = marginals[track.last, track.beyond], track.last, track.beyond
    inside = xp.asarray(states.inside)
    rows = xp.flatnonzero(tokens < ends)
    while len(rows):
        token, state = tokens[rows], at[rows]
        continues = goes_on[token, state]
        is_last = token == ends[rows] - 1
        probabilities[rows] *= xp.where(is_last, 1 - continues, continues)
        tokens[rows] += 1
        at[rows] = inside[state]
        rows = rows[~is_last]
    return probabilities


def outside_probabilities(xp, marginals: Floats2d, goes_on: Floats2d, spans: Ints2d) -> Floats1d:
    """The probability that no token of a span is in any entity.

    xp: The array module.
    marginals (Floats2d): The probability of each state, float64 of shape (tokens, states).
    goes_on (Floats2d): Given each state, the probability that the next token continues it, of the same shape.
    spans (Ints2d): Rows of start token, end token (exclusive) and label index.
    RETURNS (Floats1d): The probabilities, of shape (spans,).
    """
    starts, ends, _ = spans.T
    probabilities = marginals[starts, O]
    tokens = starts.copy()
    rows = xp.flatnonzero(tokens < ends - 1)
    while len(rows):
        probabilities[rows] *= goes_on[tokens[rows], O]
        tokens[rows] += 1
        rows = rows[tokens[rows] < ends[rows] - 1]
    return probabilities


def candidate_spans(xp, marginals: Floats2d, goes_on: Floats2d, states: States, threshold: float) -> Ints2d:
    """All spans that are at least as probable as a threshold. From each token that may start an entity the search goes
    on only as long as an entity that reaches so far is probable enough.

    xp: The array module.
    marginals (Floats2d): The probability of each state, float64 of shape (tokens, states).
    goes_on (Floats2d): Given each state, the probability that the next token continues it, of the same shape.
    states (States): The states.
    threshold (float): More than 0, so that there are at most 1 / threshold spans over any token.
    RETURNS (Ints2d): Rows of start token, end token (exclusive) and label index, in no order.
    """
    n_tags = int(states.inside.max()) + 1
    starts, labels = xp.nonzero(marginals[:, 1:n_tags:2] >= threshold)
    at = 1 + 2 * labels
    so_far, tokens = marginals[starts, at], starts
    found = [xp.zeros((0, 3), dtype="int64")]
    if states.tracks:
        early, entries = _along_tracks(marginals, states, threshold)
        found.append(xp.asarray(numpy.array(early, dtype="int64").reshape(-1, 3)))
        late = xp.asarray(numpy.array(entries, dtype="int64").reshape(-1, 4).T)
        so_far = xp.concatenate([so_far, marginals[late[2], late[3]]])
        starts, labels, tokens, at = (xp.concatenate(pair) for pair in zip((starts, labels, tokens, at), late))
    inside = xp.asarray(states.inside)
    while len(starts):
        continues = goes_on[tokens, at]
        probable = so_far * (1 - continues) >= threshold
        found.append(xp.stack([starts[probable], tokens[probable] + 1, labels[probable]], axis=1))
        so_far = so_far * continues
        far = so_far >= threshold
        starts, labels, so_far, tokens, at = starts[far], labels[far], so_far[far], tokens[far] + 1, inside[at[far]]
    return xp.concatenate(found)


def _along_tracks(
    marginals: Floats2d, states: States, threshold: float
) -> Tuple[List[Tuple[int, int, int]], List[Tuple[int, int, int, int]]]:
    """RETURNS (Tuple[List, List]): Of the entities that begin where spans are rejected, those that are probable enough
    and end early (start, end, label), and those that may have gone beyond (start, label, token, state)."""
    early, entries = [], []
    for (start, label), track in states.tracks.items():
        for end in range(start + 1, track.last + 1):
            if marginals[end - 1, track.begin_ends if end == start + 1 else track.ends] >= threshold:
                early.append((start, end, label))
        if track.beyond is not None and marginals[track.last, track.beyond] >= threshold:
            entries.append((start, label, track.last, track.beyond))
    return early, entries
