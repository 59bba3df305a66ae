from itertools import product

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import NumpyOps
from thinc.types import Ragged

from spacy_bio_ner.crf.bio import allowed_starts, allowed_transitions, is_inside
from spacy_bio_ner.crf.decoding import viterbi
from spacy_bio_ner.crf.linear_chain import CRF, Potentials, negative_log_likelihood, posterior
from spacy_bio_ner.layers.packing import Packing

OPS = NumpyOps()


def make_potentials(lengths, n_tags=5, seed=0, scale=2.0):
    rng = numpy.random.default_rng(seed)
    lengths = numpy.array(lengths, dtype="int32")
    transitions = numpy.where(allowed_transitions(n_tags), rng.normal(0, scale, (n_tags, n_tags)), -numpy.inf)
    starts = numpy.where(allowed_starts(n_tags), rng.normal(0, scale, n_tags), -numpy.inf)
    emissions = rng.normal(0, scale, (int(lengths.sum()), n_tags))
    return Potentials(Ragged(emissions, lengths), transitions, starts)


def enumerate_sequences(potentials, allowed=None):
    """For each document: all tag sequences and the score of each, by adding up potentials one by one."""
    start = 0
    for length in potentials.emissions.lengths:
        emissions = potentials.emissions.dataXd[start : start + length]
        mask = None if allowed is None else allowed[start : start + length]
        sequences, scores = [], []
        for tags in product(range(emissions.shape[1]), repeat=int(length)):
            score = potentials.starts[tags[0]] if tags else 0.0
            score += sum(potentials.transitions[a, b] for a, b in zip(tags, tags[1:]))
            score += sum(emissions[i, t] for i, t in enumerate(tags))
            if mask is not None and not all(mask[i, t] for i, t in enumerate(tags)):
                score = -numpy.inf
            sequences.append(tags)
            scores.append(score)
        yield sequences, numpy.array(scores, dtype="float64")
        start += length


def random_allowed(potentials, seed):
    """Tags at random, but always O, so that some valid sequence is left."""
    allowed = numpy.random.default_rng(seed).random(potentials.emissions.dataXd.shape) < 0.6
    allowed[:, 0] = True
    return allowed


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.integers(0, 10**6), st.booleans())
def test_equals_enumeration(lengths, seed, constrained):
    potentials = make_potentials(lengths, seed=seed)
    allowed = random_allowed(potentials, seed) if constrained else None
    packing = Packing(OPS, potentials.emissions.lengths)
    found = posterior(OPS, potentials, packing, allowed)
    best = viterbi(OPS, potentials, packing, allowed)
    tags, starts, transitions = [], numpy.zeros(5), numpy.zeros((5, 5))
    offset = 0
    for d, (sequences, scores) in enumerate(enumerate_sequences(potentials, allowed)):
        highest = scores.max()
        log_partition = highest + numpy.log(numpy.exp(scores - highest).sum())
        if lengths[d]:
            assert found.log_partition[d] == pytest.approx(log_partition, abs=1e-6)
        assert tuple(best[offset : offset + lengths[d]]) == sequences[scores.argmax()]
        probabilities = numpy.exp(scores - log_partition)
        marginals = numpy.zeros((lengths[d], 5))
        for sequence, p in zip(sequences, probabilities):
            for i, t in enumerate(sequence):
                marginals[i, t] += p
            for a, b in zip(sequence, sequence[1:]):
                transitions[a, b] += p
            if sequence:
                starts[sequence[0]] += p
        tags.append(marginals)
        offset += lengths[d]
    numpy.testing.assert_allclose(found.tags, numpy.concatenate(tags), atol=1e-6)
    numpy.testing.assert_allclose(found.transitions, transitions, atol=1e-6)
    numpy.testing.assert_allclose(found.starts, starts, atol=1e-6)


def test_gradient_equals_finite_differences():
    lengths, eps = [3, 0, 1, 4], 1e-5
    potentials = make_potentials(lengths, seed=3)
    allowed = random_allowed(potentials, 4)
    _, gradient = negative_log_likelihood(OPS, potentials, allowed)
    for values, found in [
        (potentials.emissions.data, gradient.emissions.data),
        (potentials.transitions, gradient.transitions),
        (potentials.starts, gradient.starts),
    ]:
        for index in numpy.ndindex(values.shape):
            if not numpy.isfinite(values[index]):
                assert found[index] == 0
                continue
            original = values[index]
            values[index] = original + eps
            above, _ = negative_log_likelihood(OPS, potentials, allowed)
            values[index] = original - eps
            below, _ = negative_log_likelihood(OPS, potentials, allowed)
            values[index] = original
            assert found[index] == pytest.approx((above - below) / (2 * eps), abs=1e-6)


def test_loss_of_full_annotation_is_the_log_likelihood():
    potentials = make_potentials([4], seed=5)
    gold = (0, 3, 4, 1)
    allowed = numpy.eye(5, dtype=bool)[list(gold)]
    [(sequences, scores)] = enumerate_sequences(potentials)
    expected = numpy.log(numpy.exp(scores).sum()) - scores[sequences.index(gold)]
    assert negative_log_likelihood(OPS, potentials, allowed)[0] == pytest.approx(expected, abs=1e-9)


def test_loss_of_missing_annotation_is_zero():
    potentials = make_potentials([4, 2], seed=6)
    loss, gradient = negative_log_likelihood(OPS, potentials, numpy.ones((6, 5), dtype=bool))
    assert loss == pytest.approx(0, abs=1e-9)
    numpy.testing.assert_allclose(gradient.emissions.data, 0, atol=1e-9)


@pytest.mark.parametrize("length", [1, 1000, 100_000])
def test_float32_agrees_with_float64(length):
    exact = make_potentials([length], seed=7)
    rounded = Potentials(
        Ragged(exact.emissions.data.astype("float32"), exact.emissions.lengths),
        exact.transitions.astype("float32"),
        exact.starts.astype("float32"),
    )
    # The same scores in both, so that what differs is the computation and not its input.
    exact = Potentials(
        Ragged(rounded.emissions.data.astype("float64"), exact.emissions.lengths),
        rounded.transitions.astype("float64"),
        rounded.starts.astype("float64"),
    )
    packing = Packing(OPS, exact.emissions.lengths)
    a, b = posterior(OPS, exact, packing), posterior(OPS, rounded, packing)
    best = viterbi(OPS, exact, packing)
    assert abs(a.log_partition[0] - b.log_partition[0]) < 1e-4
    numpy.testing.assert_allclose(a.tags, b.tags, atol=1e-4)
    numpy.testing.assert_allclose(a.tags.sum(axis=1), 1.0, atol=1e-9)
    assert (best == viterbi(OPS, rounded, packing)).all()
    allowed = numpy.eye(5, dtype=bool)[best]
    loss64, gradient64 = negative_log_likelihood(OPS, exact, allowed)
    loss32, gradient32 = negative_log_likelihood(OPS, rounded, allowed)
    assert abs(loss64 - loss32) < 1e-4
    assert gradient32.emissions.data.dtype == "float32"
    numpy.testing.assert_allclose(gradient64.emissions.data, gradient32.emissions.data, atol=1e-4)


@pytest.mark.parametrize("scale", [30.0, 100.0])
def test_long_and_confident_documents_neither_underflow_nor_overflow(scale):
    potentials = make_potentials([2000], seed=8)
    potentials.emissions.data *= scale
    packing = Packing(OPS, potentials.emissions.lengths)
    found = posterior(OPS, potentials, packing)
    assert numpy.isfinite(found.log_partition).all()
    numpy.testing.assert_allclose(found.tags.sum(axis=1), 1.0, atol=1e-6)
    # So far apart, nearly all probability is on the best sequence.
    best = viterbi(OPS, potentials, packing)
    assert (found.tags.argmax(axis=1) == best).mean() > 0.98


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 10**6))
def test_decoded_sequences_are_valid_and_batch_invariant(lengths, seed):
    potentials = make_potentials(lengths, seed=seed, scale=3.0)
    packing = Packing(OPS, potentials.emissions.lengths)
    tags, marginals = viterbi(OPS, potentials, packing), posterior(OPS, potentials, packing).tags
    allowed, start = allowed_transitions(5), 0
    for length in lengths:
        rows = slice(start, start + length)
        alone = Potentials(
            Ragged(potentials.emissions.dataXd[rows], numpy.array([length], dtype="int32")),
            potentials.transitions,
            potentials.starts,
        )
        packing = Packing(OPS, alone.emissions.lengths)
        assert (viterbi(OPS, alone, packing) == tags[rows]).all()
        numpy.testing.assert_allclose(posterior(OPS, alone, packing).tags, marginals[rows], atol=1e-12)
        assert not is_inside(tags[rows][:1]).any()
        assert all(allowed[a, b] for a, b in zip(tags[rows], tags[rows][1:]))
        start += length


def test_layer_masks_forbidden_transitions_and_collects_gradients():
    model = CRF(5)
    model.initialize()
    emissions = Ragged(numpy.zeros((3, 5), dtype="float32"), numpy.array([3], dtype="int32"))
    potentials, backprop = model.begin_update(emissions)
    assert (numpy.isneginf(potentials.transitions) == ~allowed_transitions(5)).all()
    assert (numpy.isneginf(potentials.starts) == ~allowed_starts(5)).all()
    _, gradient = negative_log_likelihood(model.ops, potentials, numpy.eye(5, dtype=bool)[[1, 2, 0]])
    assert backprop(gradient) is gradient.emissions
    assert (model.get_grad("transitions") == gradient.transitions).all()
    assert (model.get_grad("starts") == gradient.starts).all()
