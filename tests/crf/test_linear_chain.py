"""The distribution over tag sequences against enumeration of all of them."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.types import Ragged

from spacy_bio_ner.crf import decoding, recursions
from spacy_bio_ner.crf.bio import allowed_starts, allowed_transitions, is_inside, tags_to_spans
from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.crf.losses import negative_log_likelihood
from spacy_bio_ner.crf.potentials import CRF, Potentials

from .enumeration import (
    OPS,
    all_spans,
    enumerate_probabilities,
    enumerate_sequences,
    enumerate_spans,
    make_potentials,
    random_allowed,
    random_rejected,
    spans_of,
)

LENGTHS = st.lists(st.integers(0, 4), min_size=1, max_size=3).filter(any)
SEEDS = st.integers(0, 10**6)
# What is known of the tags: nothing, which tags tokens may have, which spans are rejected, or both.
KNOWN = st.sampled_from(["nothing", "tags", "spans", "both"])


def make_chain(lengths, seed, known, scale=2.0):
    """A chain, and what enumeration needs to know of it."""
    potentials = make_potentials(lengths, seed=seed, scale=scale)
    allowed = random_allowed(potentials, seed) if known in ("tags", "both") else None
    rejected = random_rejected(lengths, seed) if known in ("spans", "both") else []
    chain = LinearChain.from_potentials(OPS, potentials)
    if known != "nothing":
        everything = numpy.ones(potentials.emissions.dataXd.shape, dtype=bool)
        chain = chain.given(everything if allowed is None else allowed, rejected)
    return chain, (potentials, allowed, rejected)


@given(LENGTHS, SEEDS, KNOWN)
def test_partition_marginals_and_expected_counts_equal_enumeration(lengths, seed, known):
    chain, truth = make_chain(lengths, seed, known)
    starts, transitions, marginals = numpy.zeros(5), numpy.zeros((5, 5)), numpy.zeros((sum(lengths), 5))
    for d, (_, scores) in enumerate(enumerate_sequences(*truth)):
        if lengths[d]:
            expected = scores.max() + numpy.log(numpy.exp(scores - scores.max()).sum())
            assert chain.log_partition[d] == pytest.approx(expected, abs=1e-9)
    for offset, sequences in enumerate_probabilities(*truth):
        for tags, p in sequences:
            for i, tag in enumerate(tags):
                marginals[offset + i, tag] += p
            for a, b in zip(tags, tags[1:]):
                transitions[a, b] += p
            if tags:
                starts[tags[0]] += p
    counts = chain.expected_counts()
    numpy.testing.assert_allclose(chain.marginals, marginals, atol=1e-9)
    numpy.testing.assert_allclose(counts.emissions.data, marginals, atol=1e-9)
    numpy.testing.assert_allclose(counts.transitions, transitions, atol=1e-9)
    numpy.testing.assert_allclose(counts.starts, starts, atol=1e-9)


@given(LENGTHS, SEEDS, KNOWN)
def test_span_probabilities_equal_enumeration(lengths, seed, known):
    chain, truth = make_chain(lengths, seed, known)
    spans = all_spans(lengths)
    expected = enumerate_spans(*truth)
    probabilities = chain.span_probabilities(numpy.array(spans))
    numpy.testing.assert_allclose(probabilities, [expected.get(span, 0.0) for span in spans], atol=1e-9)
    # Each token is outside or in one entity.
    for token in range(sum(lengths)):
        covering = sum(p for (start, end, _), p in zip(spans, probabilities) if start <= token < end)
        assert chain.marginals[token, 0] + covering == pytest.approx(1, abs=1e-9)


@given(LENGTHS, SEEDS, KNOWN, st.sampled_from([0.001, 0.05, 0.3, 0.9]))
def test_candidates_are_all_spans_above_the_threshold(lengths, seed, known, threshold):
    chain, truth = make_chain(lengths, seed, known)
    found = [tuple(span) for span in chain.candidates(threshold).tolist()]
    assert sorted(found) == sorted(span for span, p in enumerate_spans(*truth).items() if p >= threshold)


@given(LENGTHS, SEEDS, KNOWN)
def test_outside_probabilities_and_expected_entities_equal_enumeration(lengths, seed, known):
    chain, truth = make_chain(lengths, seed, known)
    spans = all_spans(lengths)
    outside, counts = dict.fromkeys(spans, 0.0), numpy.zeros((len(lengths), 2))
    for doc, (offset, sequences) in enumerate(enumerate_probabilities(*truth)):
        for tags, p in sequences:
            for label in range(2):
                counts[doc, label] += p * tags.count(1 + 2 * label)
            for start, end, label in spans:
                if offset <= start < offset + lengths[doc]:
                    outside[start, end, label] += p * (not any(tags[start - offset : end - offset]))
    numpy.testing.assert_allclose(chain.outside_probabilities(numpy.array(spans)), list(outside.values()), atol=1e-9)
    numpy.testing.assert_allclose(chain.expected_entities(), counts, atol=1e-9)


@given(LENGTHS, SEEDS, KNOWN, st.floats(0.5, 12.0))
def test_viterbi_equals_enumeration(lengths, seed, known, scale):
    """At high scales the marginals tell the best tags, at low ones they do not."""
    chain, truth = make_chain(lengths, seed, known, scale)
    best = chain.viterbi()
    for offset, sequences in enumerate_probabilities(*truth):
        expected, _ = max(sequences, key=lambda row: row[1])
        assert tuple(best[offset : offset + len(expected)]) == expected


@pytest.mark.parametrize("p_other, told", [(0.2, True), (0.3, False)])
def test_viterbi_is_left_out_where_marginals_tell(p_other, told, monkeypatch):
    """Two tokens, each O but for p_other: surely O O if that is less than a quarter."""
    potentials = make_potentials([2], seed=0, n_tags=3, scale=0.0)
    potentials.emissions.data[:] = [numpy.log(1 - p_other), numpy.log(p_other), -numpy.inf]
    calls = []
    monkeypatch.setattr(decoding, "viterbi", lambda *scores: calls.append(1) or numpy.zeros(2, dtype="int64"))
    assert LinearChain.from_potentials(OPS, potentials).viterbi().tolist() == [0, 0]
    assert bool(calls) != told


@given(st.integers(1, 5), SEEDS, KNOWN, st.integers(1, 12))
def test_k_best_equals_enumeration(length, seed, known, k):
    chain, truth = make_chain([length], seed, known)
    [(_, sequences)] = enumerate_probabilities(*truth)
    ranked = sorted(sequences, key=lambda row: -row[1])[:k]
    found = chain.k_best(k)
    assert [tuple(tags) for tags, _ in found] == [tags for tags, _ in ranked]
    numpy.testing.assert_allclose([p for _, p in found], [p for _, p in ranked], atol=1e-9)


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4]), max_size=12))
def test_spans_of_tags(tags):
    valid = [tag if not i or allowed_transitions(5)[tags[i - 1], tag] else 0 for i, tag in enumerate(tags)]
    for i, tag in enumerate(valid):  # what follows a tag that was replaced may be invalid now
        if is_inside(numpy.array(tag)) and (i == 0 or valid[i - 1] not in (tag, tag - 1)):
            valid[i] = 0
    assert list(map(tuple, tags_to_spans(numpy.array(valid, dtype="int64")).tolist())) == spans_of(valid)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 1e-4)])
def test_temperature_divides_all_scores(dtype, tolerance):
    potentials = make_potentials([4], seed=2)
    [(_, scores)] = enumerate_sequences(potentials)
    weights = numpy.exp(scores / 2.5 - (scores / 2.5).max())
    potentials.emissions.data = potentials.emissions.data.astype(dtype)
    found = LinearChain.from_potentials(OPS, potentials, temperature=2.5).k_best(3)
    expected = sorted(weights / weights.sum(), reverse=True)[:3]
    numpy.testing.assert_allclose([p for _, p in found], expected, atol=tolerance)


def test_entropy_and_expected_score_equal_enumeration():
    potentials, other = make_potentials([3, 0, 2], seed=4), make_potentials([3, 0, 2], seed=5)
    chain = LinearChain.from_potentials(OPS, potentials)
    entropy, expected_score = 0.0, 0.0
    others = enumerate_sequences(other)
    for (_, sequences), (all_sequences, scores) in zip(enumerate_probabilities(potentials), others):
        score_in_other = dict(zip(all_sequences, scores))
        entropy -= sum(p * numpy.log(p) for _, p in sequences if p > 0)
        expected_score += sum(p * score_in_other[tags] for tags, p in sequences if p > 0)
    assert chain.entropy() == pytest.approx(entropy, abs=1e-9)
    found = LinearChain.from_potentials(OPS, other).expected_score(chain.expected_counts())
    assert found == pytest.approx(expected_score, abs=1e-9)


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
    a, b = LinearChain.from_potentials(OPS, exact), LinearChain.from_potentials(OPS, rounded)
    assert abs(a.log_partition[0] - b.log_partition[0]) < 1e-4
    numpy.testing.assert_allclose(a.marginals, b.marginals, atol=1e-4)
    numpy.testing.assert_allclose(a.marginals.sum(axis=1), 1.0, atol=1e-9)
    assert (a.viterbi() == b.viterbi()).all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6).filter(any), SEEDS, st.booleans())
def test_products_equal_logs(lengths, seed, constrained):
    """Filtering by products of probabilities against filtering in logs."""
    potentials = make_potentials(lengths, seed=seed, scale=4.0)
    allowed = random_allowed(potentials, seed) if constrained else numpy.ones((sum(lengths), 5), dtype=bool)
    by_products, in_logs = (LinearChain.from_potentials(OPS, potentials).given(allowed) for _ in range(2))
    by_products.log_partition
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recursions, "MAX_LOG_TOTAL", -numpy.inf)
        in_logs.log_partition
    numpy.testing.assert_allclose(by_products.log_partition, in_logs.log_partition, atol=1e-10)
    a, b = by_products.expected_counts(), in_logs.expected_counts()
    numpy.testing.assert_allclose(a.emissions.data, b.emissions.data, atol=1e-10)
    numpy.testing.assert_allclose(a.transitions, b.transitions, atol=1e-10)
    spans = numpy.array(all_spans(lengths)[:500])
    numpy.testing.assert_allclose(by_products.span_probabilities(spans), in_logs.span_probabilities(spans), atol=1e-10)


@pytest.mark.parametrize("gap", [600.0, 730.0, 3000.0])  # exact, lost in part and zero if it were computed by products
@pytest.mark.parametrize("seed", range(3))
def test_scores_whose_products_vanish(seed, gap):
    """The best emission of a token may be that of a tag which cannot stand there, and all others far below it."""
    potentials = make_potentials([4, 3], seed=seed, scale=2.0)
    potentials.emissions.data[:, 2::2] += gap
    potentials.emissions.data[1::2] -= 2000.0
    chain = LinearChain.from_potentials(OPS, potentials)
    for (_, scores), value in zip(enumerate_sequences(potentials), chain.log_partition):
        assert value == pytest.approx(numpy.logaddexp.reduce(scores), rel=1e-12)
    numpy.testing.assert_allclose(chain.marginals.sum(axis=1), 1.0, atol=1e-9)
    loss, gradient = negative_log_likelihood(OPS, potentials, numpy.eye(5, dtype=bool)[chain.viterbi()])
    assert 0 <= loss < 10 and numpy.isfinite(gradient.emissions.data).all()


@pytest.mark.parametrize("scale", [30.0, 100.0])
def test_long_and_confident_documents_neither_underflow_nor_overflow(scale):
    potentials = make_potentials([2000], seed=8)
    potentials.emissions.data *= scale
    chain = LinearChain.from_potentials(OPS, potentials)
    assert numpy.isfinite(chain.log_partition).all()
    numpy.testing.assert_allclose(chain.marginals.sum(axis=1), 1.0, atol=1e-6)
    # So far apart, nearly all probability is on the best sequence.
    assert (chain.marginals.argmax(axis=1) == chain.viterbi()).mean() > 0.98


def test_probabilities_of_candidates_in_a_long_document():
    chain = LinearChain.from_potentials(OPS, make_potentials([100_000], seed=1))
    spans = chain.candidates(0.2)
    probabilities = chain.span_probabilities(spans)
    assert len(spans) > 10_000 and (probabilities >= 0.2 - 1e-12).all() and (probabilities <= 1).all()
    # No token is in more than 1 / threshold of them, and their probabilities add up to at most 1 over it.
    covered = numpy.zeros(100_001)
    numpy.add.at(covered, spans[:, 0], probabilities)
    numpy.add.at(covered, spans[:, 1], -probabilities)
    assert numpy.cumsum(covered).max() <= 1 + 1e-6


def test_one_long_span_among_many_short_ones():
    chain = LinearChain.from_potentials(OPS, make_potentials([10_000], seed=1))
    short = [(i, i + 1 + i % 3, i % 2) for i in range(0, 9_990, 7)]
    alone = chain.span_probabilities(numpy.array(short))
    together = chain.span_probabilities(numpy.array([*short, (0, 10_000, 0)]))
    assert (together[:-1] == alone).all() and 0 <= together[-1] < 1e-12


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), SEEDS)
def test_decoded_sequences_are_valid_and_batch_invariant(lengths, seed):
    potentials = make_potentials(lengths, seed=seed, scale=3.0)
    chain = LinearChain.from_potentials(OPS, potentials)
    tags, marginals = chain.viterbi(), chain.marginals
    allowed, start = allowed_transitions(5), 0
    for length in lengths:
        rows = slice(start, start + length)
        emissions = Ragged(potentials.emissions.dataXd[rows], numpy.array([length], dtype="int32"))
        alone = LinearChain.from_potentials(OPS, Potentials(emissions, potentials.transitions, potentials.starts))
        assert (alone.viterbi() == tags[rows]).all()
        numpy.testing.assert_allclose(alone.marginals, marginals[rows], atol=1e-12)
        assert not is_inside(tags[rows][:1]).any()
        assert all(allowed[a, b] for a, b in zip(tags[rows], tags[rows][1:]))
        start += length


def test_rejections_do_not_reach_into_other_documents():
    potentials = make_potentials([4, 3], seed=9)
    everything = numpy.ones((7, 5), dtype=bool)
    free = LinearChain.from_potentials(OPS, potentials)
    without = free.given(everything, [(4, 6, 1), (4, 7, 1), (5, 6, 0)])
    assert without.log_partition[0] == pytest.approx(free.log_partition[0], abs=1e-12)
    numpy.testing.assert_allclose(without.marginals[:4], free.marginals[:4], atol=1e-12)


def test_layer_masks_forbidden_transitions_and_collects_gradients():
    model = CRF(5)
    model.initialize()
    emissions = Ragged(numpy.zeros((3, 5), dtype="float32"), numpy.array([3], dtype="int32"))
    potentials, backprop = model.begin_update(emissions)
    assert (numpy.isneginf(potentials.transitions) == ~allowed_transitions(5)).all()
    assert (numpy.isneginf(potentials.starts) == ~allowed_starts(5)).all()
    gradient = LinearChain.from_potentials(model.ops, potentials).expected_counts()
    assert backprop(gradient) is gradient.emissions
    assert (model.get_grad("transitions") == gradient.transitions).all()
    assert (model.get_grad("starts") == gradient.starts).all()
