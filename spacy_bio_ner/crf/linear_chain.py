"""The distribution over tag sequences that a tagger's scores define: a linear-chain conditional random field."""

from functools import cached_property
from typing import List, Sequence, Tuple

import numpy
from thinc.api import Ops
from thinc.types import ArrayXd, Floats1d, Floats2d, Ints1d, Ints2d, Ragged

from ..layers.packing import pack
from . import decoding, spans
from .potentials import Potentials
from .recursions import TINY, Filtered, Smoothed, filter_forward, smooth_backward
from .rejections import Span, States, plain_states, states_without


class LinearChain:
    """A distribution over the tag sequences of each document of a batch (Lafferty et al. 2001): a sequence's
    probability is proportional to the exponential of its summed scores. Documents are independent.

    Everything is computed when it is first asked for, in float64, on the device where the scores are. Tokens are
    counted through all documents.
    """

    def __init__(
        self,
        ops: Ops,
        lengths: Ints1d,
        emissions: Floats2d,
        transitions: Floats2d,
        starts: Floats1d,
        states: States,
    ) -> None:
        """Use from_potentials, and given.

        ops (Ops): The ops of the model.
        lengths (Ints1d): The number of tokens of each document.
        emissions (Floats2d): The packed scores of states, float64 of shape (tokens, states).
        transitions (Floats2d): The scores of transitions between states, float64.
        starts (Floats1d): The scores of first states, float64.
        states (States): The states, which are the tags unless spans are rejected.
        """
        self.ops = ops
        self.lengths = lengths
        self._packing = pack(ops, lengths)
        self._emissions = emissions
        self._transitions = transitions
        self._starts = starts
        self._states = states

    @classmethod
    def from_potentials(cls, ops: Ops, potentials: Potentials, temperature: float = 1.0) -> "LinearChain":
        """Create the distribution that scores define.

        ops (Ops): The ops of the model.
        potentials (Potentials): The scores.
        temperature (float): What all scores are divided by, more than 0. Above 1 the distribution gets flatter, below 1
            steeper (Guo et al. 2017, there for one softmax). The order of the sequences stays.
        RETURNS (LinearChain): The distribution.
        """
        lengths = potentials.emissions.lengths
        emissions = ops.xp.take(potentials.emissions.dataXd, pack(ops, lengths).forward, axis=0)
        emissions, transitions, starts = (
            scores.astype("float64") if temperature == 1.0 else scores.astype("float64") / temperature
            for scores in (emissions, potentials.transitions, potentials.starts)
        )
        return cls(ops, lengths, emissions, transitions, starts, plain_states(len(starts)))

    def given(self, allowed: numpy.ndarray, rejected: Sequence[Span] = ()) -> "LinearChain":
        """Restrict the distribution to the sequences that agree with an annotation. Its partition is then the sum over
        these alone, so that the difference of the log partitions is the log probability of the annotation.

        allowed (ndarray): Which tags each token may have, booleans of shape (tokens, n_tags).
        rejected (Sequence[Tuple[int, int, int]]): Spans that are no entities with their label: start token, end token
            (exclusive) and label index.
        RETURNS (LinearChain): The restricted distribution.
        """
        xp, n_tags = self.ops.xp, allowed.shape[1]
        emissions, transitions, starts, states = self._emissions, self._transitions, self._starts, self._states
        if rejected:
            states = states_without(rejected, self.ops.to_numpy(self.lengths), n_tags)
            allowed = allowed[:, states.tags] & states.allowed
            tags = xp.asarray(states.tags)
            emissions, starts = emissions[:, tags], starts[tags]
            transitions = xp.where(xp.asarray(states.transitions), transitions[tags][:, tags], -xp.inf)
        mask = xp.take(xp.asarray(allowed), self._packing.forward, axis=0)
        emissions = xp.where(mask, emissions, -xp.inf)
        return LinearChain(self.ops, self.lengths, emissions, transitions, starts, states)

    @cached_property
    def log_partition(self) -> Floats1d:
        """RETURNS (Floats1d): Per document, the log of the summed exponentiated scores of all its tag sequences, in
        nats. Shape (documents,). -inf if there is no sequence."""
        packing, xp = self._packing, self.ops.xp
        return xp.bincount(packing.owners, weights=self._filtered.log_totals, minlength=len(self.lengths))

    @cached_property
    def marginals(self) -> Floats2d:
        """RETURNS (Floats2d): Per token, the probability of each tag. Shape (tokens, n_tags)."""
        return self._by_tag(self._state_marginals)

    def expected_counts(self) -> Potentials:
        """The gradient of the log partition, summed over the documents, with respect to the scores.

        RETURNS (Potentials): In the place of each score the expected number of times that it counts, float64: of
            emissions the marginals, of transitions and starts the sums over the batch.
        """
        packing, xp = self._packing, self.ops.xp
        first = packing.sizes[0] if packing.sizes else 0
        follows = xp.matmul(self._filtered.filtered[packing.previous].T, self._smoothed.ratio[first:])
        transitions = self._by_tag(self._by_tag(xp.exp(self._transitions) * follows).T).T
        starts = self._by_tag(self._smoothed.smoothed[:first].sum(axis=0))
        return Potentials(Ragged(self.marginals, self.lengths), transitions, starts)

    def transitions_by_doc(self) -> List[Floats2d]:
        """RETURNS (List[Floats2d]): Per document, the expected number of times that each tag follows each, of shape
        (n_tags, n_tags). Together they are the transitions of expected_counts."""
        packing, xp = self._packing, self.ops.xp
        first = packing.sizes[0] if packing.sizes else 0
        before, after = self._filtered.filtered[packing.previous], self._smoothed.ratio[first:]
        factors, owners = xp.exp(self._transitions), self.ops.to_numpy(packing.owners[first:])
        rows = numpy.argsort(owners, kind="stable")
        bounds = numpy.searchsorted(owners[rows], numpy.arange(len(self.lengths) + 1)).tolist()
        found = []
        for start, end in zip(bounds, bounds[1:]):
            own = xp.asarray(rows[start:end])
            found.append(self._by_tag(self._by_tag(factors * xp.matmul(before[own].T, after[own])).T).T)
        return found

    def expected_score(self, counts: Potentials) -> float:
        """The score that tag sequences of another distribution have in this one, on average.

        counts (Potentials): The other's expected counts, for the same tokens and tags.
        RETURNS (float): The score in nats, summed over the batch. -inf if this distribution has not got one of the
            sequences.
        """
        xp = self.ops.xp
        emissions = xp.take(counts.emissions.dataXd, self._packing.forward, axis=0)
        pairs = ((emissions, self._emissions), (counts.transitions, self._transitions), (counts.starts, self._starts))
        # What does not count is left out: 0 times -inf would be no number.
        return sum(float((count * xp.where(count > 0, score, 0.0)).sum()) for count, score in pairs)

    def entropy(self) -> float:
        """RETURNS (float): The entropy of the tag sequences in nats, summed over the documents."""
        return float(self.log_partition.sum()) - self.expected_score(self.expected_counts())

    def viterbi(self) -> Ints1d:
        """Find the most probable tag sequence of each document.

        RETURNS (Ints1d): The tag ids, int64 of shape (tokens,).
        """
        # The probability that not all of the most probable tags are right is at most the sum of the probabilities that
        # each is wrong. Below a half no other sequence can be as probable as theirs. For most short texts that is so,
        # and spares a pass. It is as right as the marginals are, which lose what is e^700 times less probable.
        best = self.marginals.argmax(axis=1)
        if len(best) - self.marginals.max(axis=1).sum() < 0.5:
            return best
        scores = (self._emissions, self._transitions, self._starts)
        found = self._unpacked(decoding.viterbi(self.ops.xp, *scores, self._packing))
        return self.ops.xp.asarray(self._states.tags)[found] if self._states.tracks else found

    def k_best(self, k: int) -> List[Tuple[numpy.ndarray, float]]:
        """Find the k most probable tag sequences of a single document, which has a token.

        k (int): The number of sequences, at least 1.
        RETURNS (List[Tuple[ndarray, float]]): The tag ids of each, int64 of shape (tokens,), and its probability. The
            most probable first; fewer than k if there are no more.
        """
        to_numpy = self.ops.to_numpy
        emissions = to_numpy(self._unpacked(self._emissions))
        sequences, totals = decoding.k_best(emissions, to_numpy(self._transitions), to_numpy(self._starts), k)
        log_partition = float(self.log_partition[0])
        return [
            (self._states.tags[states], min(float(numpy.exp(total - log_partition)), 1.0))
            for states, total in zip(sequences, totals)
        ]

    def span_probabilities(self, spans_: Ints2d) -> Floats1d:
        """The probability of each span that exactly its tokens are an entity with its label.

        spans_ (Ints2d): Rows of start token, end token (exclusive) and label index.
        RETURNS (Floats1d): The probabilities, of shape (spans,).
        """
        known = (self._state_marginals, self._goes_on, self._states)
        return spans.span_probabilities(self.ops.xp, *known, spans_)

    def outside_probabilities(self, spans_: Ints2d) -> Floats1d:
        """The probability of each span that none of its tokens is in any entity.

        spans_ (Ints2d): Rows of start token, end token (exclusive) and label index.
        RETURNS (Floats1d): The probabilities, of shape (spans,).
        """
        return spans.outside_probabilities(self.ops.xp, self._state_marginals, self._goes_on, spans_)

    def candidates(self, threshold: float) -> Ints2d:
        """Find all spans that are at least so probable.

        threshold (float): More than 0, at most 1.
        RETURNS (Ints2d): Rows of start token, end token (exclusive) and label index, in no order.
        """
        known = (self._state_marginals, self._goes_on, self._states)
        return spans.candidate_spans(self.ops.xp, *known, threshold)

    def expected_entities(self) -> Floats2d:
        """The expected number of entities of each label: the sum of the probabilities that one begins.

        RETURNS (Floats2d): The expected numbers, of shape (documents, labels).
        """
        xp = self.ops.xp
        begins = self.marginals[:, 1::2]
        sums = xp.concatenate([xp.zeros((1, begins.shape[1])), xp.cumsum(begins, axis=0)])
        bounds = xp.concatenate([xp.zeros(1, dtype="int64"), xp.cumsum(xp.asarray(self.lengths).astype("int64"))])
        return sums[bounds[1:]] - sums[bounds[:-1]]

    @cached_property
    def _filtered(self) -> Filtered:
        scores = (self._emissions, self.ops.xp.exp(self._transitions), self.ops.xp.exp(self._starts))
        return filter_forward(self.ops.xp, *scores, self._packing)

    @cached_property
    def _smoothed(self) -> Smoothed:
        return smooth_backward(self.ops.xp, self._filtered, self.ops.xp.exp(self._transitions), self._packing)

    @cached_property
    def _state_marginals(self) -> Floats2d:
        return self._unpacked(self._smoothed.smoothed)

    @cached_property
    def _goes_on(self) -> Floats2d:
        """RETURNS (Floats2d): Per token, if it has a state, the probability that the next token goes on with it: is
        inside the same entity or, for O, outside too. Shape (tokens, states); 0 where no token follows."""
        xp, packing = self.ops.xp, self._packing
        inside = xp.asarray(self._states.inside)
        first = packing.sizes[0] if packing.sizes else 0
        _, ratio, future = self._smoothed
        stays = xp.exp(self._transitions)[xp.arange(len(inside)), inside]
        packed = xp.zeros_like(ratio)
        packed[packing.previous] = xp.minimum(stays * ratio[first:, inside] / xp.maximum(future[first:], TINY), 1.0)
        return self._unpacked(packed)

    def _by_tag(self, array: ArrayXd) -> ArrayXd:
        """RETURNS (ArrayXd): An array whose last axis is of states, summed over the states of each tag."""
        if not self._states.tracks:
            return array
        tags = self._states.tags
        stands_for = (tags[:, None] == numpy.arange(tags.max() + 1)).astype("float64")
        return array @ self.ops.asarray(stands_for)

    def _unpacked(self, rows: ArrayXd) -> ArrayXd:
        """RETURNS (ArrayXd): Packed rows in the order of tokens."""
        return self.ops.xp.take(rows, self._packing.places[:, 0], axis=0)
