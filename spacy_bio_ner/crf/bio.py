"""The BIO scheme over tag ids: which tags there are, which may follow which, and how tags become spans.

Tag 0 is O. The label with index i has the tags B = 1 + 2i and I = 2 + 2i, so that a label added later
leaves the ids of the others as they were.
"""

from functools import lru_cache, wraps
from typing import Callable

import numpy

O = 0  # noqa: E741

# How a Doc expresses its annotation of a token (spaCy's token.ent_iob).
IOB_MISSING, IOB_INSIDE, IOB_OUTSIDE, IOB_BEGIN = 0, 1, 2, 3


def _computed_once(function: Callable[[int], numpy.ndarray]) -> Callable[[int], numpy.ndarray]:
    """Compute an array that depends on the number of tags alone only once. It is shared, so it can only be read."""

    @wraps(function)
    def computed(n_tags: int) -> numpy.ndarray:
        array = function(n_tags)
        array.setflags(write=False)
        return array

    return lru_cache(maxsize=16)(computed)


def n_tags(n_labels: int) -> int:
    """RETURNS (int): The number of tags for a number of labels."""
    return 1 + 2 * n_labels


def is_begin(tags: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): Whether each tag id is a B- tag."""
    return tags % 2 == 1


def is_inside(tags: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): Whether each tag id is an I- tag."""
    return (tags > 0) & (tags % 2 == 0)


@_computed_once
def inside_tags(n_tags: int) -> numpy.ndarray:
    """RETURNS (ndarray): For each tag the I- tag of its label, O for O. Int64 of shape (n_tags,)."""
    tags = numpy.arange(n_tags)
    return tags + tags % 2


@_computed_once
def allowed_transitions(n_tags: int) -> numpy.ndarray:
    """Which tag may directly follow which.

    n_tags (int): The number of tags.
    RETURNS (ndarray): Booleans of shape (n_tags, n_tags), indexed [previous tag, tag].
    """
    previous, tag = numpy.indices((n_tags, n_tags))
    continues = ((previous == tag) | (previous == tag - 1)) & (previous > 0)
    return ~is_inside(tag) | continues


@_computed_once
def allowed_starts(n_tags: int) -> numpy.ndarray:
    """RETURNS (ndarray): Booleans of shape (n_tags,): which tag the first token may have."""
    return ~is_inside(numpy.arange(n_tags))


def tags_to_spans(tags: numpy.ndarray) -> numpy.ndarray:
    """Entities from tag ids. The tags may be those of several sequences one after the other, since no
    valid sequence begins with I-.

    tags (ndarray): Valid tag ids, of shape (length,).
    RETURNS (ndarray): A row (start token, end token, label index) for each entity, int64, shape (n, 3).
    """
    starts = numpy.flatnonzero(is_begin(tags))
    not_inside = numpy.flatnonzero(~is_inside(tags))
    following = numpy.searchsorted(not_inside, starts, side="right")
    ends = numpy.append(not_inside, len(tags))[following]
    return numpy.stack([starts, ends, tags[starts] // 2], axis=1)


def allowed_tags(iob: numpy.ndarray, labels: numpy.ndarray, n_tags: int) -> numpy.ndarray:
    """Which tags each token can have, given an annotation that may be missing in part. This is how gold
    annotation reaches the loss and preset entities reach the decoder.

    An annotated entity is a whole one: the token after it cannot continue it. An entity whose label is
    unknown is outside every known one.

    iob (ndarray): For each token its ENT_IOB: 0 missing, 1 inside, 2 outside, 3 begin. Shape (length,).
    labels (ndarray): For each token in an entity its label's index, -1 for an unknown label. Shape (length,).
    n_tags (int): The number of tags.
    RETURNS (ndarray): Booleans of shape (length, n_tags).
    """
    allowed = numpy.ones((len(iob), n_tags), dtype=bool)
    tags = numpy.zeros(len(iob), dtype="int64")
    known = labels >= 0
    tags[(iob == IOB_BEGIN) & known] = 1 + 2 * labels[(iob == IOB_BEGIN) & known]
    tags[(iob == IOB_INSIDE) & known] = 2 + 2 * labels[(iob == IOB_INSIDE) & known]
    annotated = numpy.flatnonzero(iob != IOB_MISSING)
    allowed[annotated] = False
    allowed[annotated, tags[annotated]] = True
    after = annotated[annotated + 1 < len(iob)] + 1
    after = after[(iob[after] == IOB_MISSING) & (tags[after - 1] > 0)]
    allowed[after, 2 + 2 * ((tags[after - 1] - 1) // 2)] = False
    return allowed
