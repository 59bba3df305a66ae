"""Exact probabilities of spans, from what is known of the tags.

Given the scores, the tags of a document are a Markov chain: how an entity goes on depends on its last tag alone. The
probability of a span is therefore a product along its tokens, and that of a longer span with the same start is never
more than that of having come so far.
"""

from thinc.types import Floats1d, Floats2d, Ints1d, Ints2d

from .bio import O
from .linear_chain import Posterior


def span_probabilities(xp, posterior: Posterior, spans: Ints2d) -> Floats1d:
    """The probability of spans: that exactly these tokens are an entity with this label, summed over all tag
    sequences (Culotta & McCallum 2004). It is the probability that B- stands at the start, that each token
    continues the entity to the last, and that the token after does not.

    xp: The array module.
    posterior (Posterior): What is known of the tags.
    spans (Ints2d): Rows of start token, end token (exclusive) and label index.
    RETURNS (Floats1d): The probabilities, of shape (spans,).
    """
    starts, ends, labels = spans.T
    begin = 1 + 2 * labels
    probabilities = posterior.tags[starts, begin]
    for offset in range(int((ends - starts).max()) if len(spans) else 0):
        tokens = starts + offset
        tags = begin if offset == 0 else begin + 1
        inner, last = tokens < ends - 1, tokens == ends - 1
        goes_on = posterior.continuations[xp.minimum(tokens, ends - 1), tags]
        probabilities *= xp.where(inner, goes_on, xp.where(last, 1 - goes_on, 1.0))
    return probabilities


def outside_probabilities(xp, posterior: Posterior, spans: Ints2d) -> Floats1d:
    """The probability that no token of a span is in any entity.

    xp: The array module.
    posterior (Posterior): What is known of the tags.
    spans (Ints2d): Rows of start token, end token (exclusive) and label index.
    RETURNS (Floats1d): The probabilities, of shape (spans,).
    """
    starts, ends, _ = spans.T
    probabilities = posterior.tags[starts, O]
    for offset in range(int((ends - starts).max()) - 1 if len(spans) else 0):
        tokens = starts + offset
        goes_on = posterior.continuations[xp.minimum(tokens, ends - 1), O]
        probabilities *= xp.where(tokens < ends - 1, goes_on, 1.0)
    return probabilities


def candidate_spans(xp, posterior: Posterior, threshold: float) -> Ints2d:
    """All spans that are at least as probable as a threshold. Each token that may start an entity is followed only as
    long as the entity is probable enough to have come so far.

    xp: The array module.
    posterior (Posterior): What is known of the tags.
    threshold (float): More than 0, so that there are at most 1 / threshold spans over any token.
    RETURNS (Ints2d): Rows of start token, end token (exclusive) and label index, in no order.
    """
    begins = posterior.tags[:, 1::2]
    starts, labels = xp.nonzero(begins >= threshold)
    so_far, ends, tags = begins[starts, labels], starts + 1, 1 + 2 * labels
    found = [xp.zeros((0, 3), dtype="int64")]
    while len(starts):
        goes_on = posterior.continuations[ends - 1, tags]
        probable = so_far * (1 - goes_on) >= threshold
        found.append(xp.stack([starts[probable], ends[probable], labels[probable]], axis=1))
        so_far = so_far * goes_on
        far = so_far >= threshold
        starts, labels, so_far, ends = starts[far], labels[far], so_far[far], ends[far] + 1
        tags = 2 + 2 * labels
    return xp.concatenate(found)


def expected_counts(xp, posterior: Posterior, lengths: Ints1d) -> Floats2d:
    """The expected number of entities of each label: the sum of the probabilities that one begins.

    xp: The array module.
    posterior (Posterior): What is known of the tags.
    lengths (Ints1d): The number of tokens of each document.
    RETURNS (Floats2d): The expected numbers, float64 of shape (documents, labels).
    """
    begins = posterior.tags[:, 1::2]
    sums = xp.concatenate([xp.zeros((1, begins.shape[1])), xp.cumsum(begins, axis=0)])
    bounds = xp.concatenate([xp.zeros(1, dtype="int64"), xp.cumsum(xp.asarray(lengths).astype("int64"))])
    return sums[bounds[1:]] - sums[bounds[:-1]]
