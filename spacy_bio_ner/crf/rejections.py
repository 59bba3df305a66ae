"""Spans that are known not to be entities with their label, as states of the chain.

Given such a rejection, tags are no longer a Markov chain: whether an entity may end here depends on where it began. So
an entity that begins where a rejected span begins, with its label, gets states of its own: copies of the tags B- and
I- that remember its start. Each copy exists twice, for "the entity goes on after this token" and for "it ends with
this token". The second is forbidden on the last token of a rejected span. Once the entity is longer than the longest
span that is rejected at its start, it need not remember anything: it moves to the state "beyond", and from there to
the plain I-.

Every tag sequence that is left is exactly one sequence of states, so partition, marginals and best sequences of the
states are those of the tags. Rejected starts of one label that do not reach into each other share their copies.
"""

from collections import defaultdict
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy

from .bio import inside_tags, is_inside

Span = Tuple[int, int, int]


class Track(NamedTuple):
    """The states of an entity that begins where spans with its label are rejected.

    last (int): The token after the longest of these spans. The entity is there in the state "beyond", or has ended.
    begin_ends (int): The state of its first token if that is its last one too.
    ends (int): The state of a later token that is its last one, before the token `last`.
    beyond (Optional[int]): Its state at the token `last`; None if the document ends before.
    """

    last: int
    begin_ends: int
    ends: int
    beyond: Optional[int]


class States(NamedTuple):
    """The states of a chain.

    tags (ndarray): The tag that each state stands for, int64 of shape (states,).
    inside (ndarray): For each state the one in which its entity goes on if it remembers no start, and O for O. Int64.
    transitions (Optional[ndarray]): Which state may follow which, as far as tags do not say it, booleans of shape
        (states, states). None if the states are the tags.
    allowed (Optional[ndarray]): Which states each token may have, booleans of shape (tokens, states). None likewise.
    tracks (Dict[Tuple[int, int], Track]): By start token and label index, the states of an entity that begins there.
    """

    tags: numpy.ndarray
    inside: numpy.ndarray
    transitions: Optional[numpy.ndarray]
    allowed: Optional[numpy.ndarray]
    tracks: Dict[Tuple[int, int], Track]


def plain_states(n_tags: int) -> States:
    """RETURNS (States): The tags themselves."""
    return States(numpy.arange(n_tags), inside_tags(n_tags), None, None, {})


def states_without(rejected: Sequence[Span], lengths: numpy.ndarray, n_tags: int) -> States:
    """Make the states of a chain in which some spans are no entities.

    rejected (Sequence[Span]): Start token, end token (exclusive) and label index of each, tokens counted through all
        documents. Each lies in one document. They may overlap.
    lengths (ndarray): The number of tokens of each document.
    n_tags (int): The number of tags.
    RETURNS (States): The states.
    """
    doc_ends = numpy.cumsum(lengths)
    ends_of: Dict[Tuple[int, int], Set[int]] = defaultdict(set)
    for start, end, label in rejected:
        ends_of[label, start].add(end)
    tags = list(range(n_tags))
    copies: Dict[int, List[int]] = defaultdict(list)  # of each label, the first state of each copy
    busy_until: Dict[int, int] = {}  # of each copy, the token from which on it is free
    placed = []
    for (label, start), ends in sorted(ends_of.items()):
        copy = next((copy for copy in copies[label] if busy_until[copy] <= start), None)
        if copy is None:
            copy = len(tags)
            copies[label].append(copy)
            begin = 1 + 2 * label
            tags += [begin, begin, begin + 1, begin + 1, begin + 1]
        busy_until[copy] = max(ends)
        placed.append((label, start, ends, copy))
    n_tokens = int(doc_ends[-1])
    allowed = numpy.zeros((n_tokens, len(tags)), dtype=bool)
    allowed[:, :n_tags] = True
    tracks = {}
    for label, start, ends, copy in placed:
        begin_goes_on, begin_ends, goes_on, ends_here, beyond = range(copy, copy + 5)
        doc_end, last = int(doc_ends[numpy.searchsorted(doc_ends, start, side="right")]), max(ends)
        allowed[start, 1 + 2 * label] = False
        for token in range(start, last):
            allowed[token, begin_goes_on if token == start else goes_on] = token + 1 < doc_end
            allowed[token, begin_ends if token == start else ends_here] = token + 1 not in ends
        if last < doc_end:
            allowed[last, beyond] = True
        tracks[start, label] = Track(last, begin_ends, ends_here, beyond if last < doc_end else None)
    states = numpy.array(tags)
    firsts = [copy for of_label in copies.values() for copy in of_label]
    inside = numpy.concatenate([inside_tags(n_tags), states[n_tags:] + states[n_tags:] % 2])
    return States(states, inside, _transitions(states, n_tags, firsts), allowed, tracks)


def _transitions(tags: numpy.ndarray, n_tags: int, copies: List[int]) -> numpy.ndarray:
    """RETURNS (ndarray): Which state may follow which, as far as their tags do not say it."""
    allowed = numpy.ones((len(tags), len(tags)), dtype=bool)
    plain_inside = numpy.flatnonzero(is_inside(numpy.arange(n_tags)))
    for copy in copies:
        begin_goes_on, begin_ends, goes_on, ends_here, beyond = range(copy, copy + 5)
        going_on, later = [begin_goes_on, goes_on], [goes_on, ends_here, beyond]
        for state in (begin_ends, ends_here):
            allowed[state, plain_inside] = False
        allowed[going_on] = False
        allowed[:, later] = False
        for state in going_on:
            allowed[state, later] = True
    return allowed
