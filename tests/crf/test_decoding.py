"""k-best sequences and expected F against enumeration."""

from itertools import combinations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bio_ner.crf.bio import tags_to_spans
from spacy_bio_ner.crf.decoding import k_best, viterbi
from spacy_bio_ner.crf.expected_f import best_expected_f, expected_f
from spacy_bio_ner.crf.linear_chain import posterior, tempered
from spacy_bio_ner.crf.spans import candidate_spans, expected_counts, outside_probabilities, span_probabilities
from spacy_bio_ner.layers.packing import Packing
from spacy_bio_ner.prediction import EXPECTED_F_THRESHOLD, predict_entities

from ..test_confidence import all_spans, enumerate_spans
from .test_linear_chain import OPS, enumerate_sequences, make_potentials, random_allowed

LENGTHS = st.lists(st.integers(0, 4), min_size=1, max_size=3).filter(any)
SEEDS = st.integers(0, 10**6)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), SEEDS, st.integers(1, 12), st.booleans())
def test_k_best_equals_enumeration(length, seed, k, constrained):
    potentials = make_potentials([length], seed=seed)
    allowed = random_allowed(potentials, seed) if constrained else numpy.ones((length, 5), dtype=bool)
    [(sequences, scores)] = enumerate_sequences(potentials, allowed)
    ranked = sorted((-score, sequence) for score, sequence in zip(scores, sequences) if score > -numpy.inf)[:k]
    emissions = numpy.where(allowed, potentials.emissions.data, -numpy.inf)
    tags, found = k_best(emissions, potentials.transitions, potentials.starts, k)
    numpy.testing.assert_allclose(found, [-score for score, _ in ranked], atol=1e-9)
    assert [tuple(row) for row in tags] == [sequence for _, sequence in ranked]


@settings(deadline=None, max_examples=30)
@given(LENGTHS, SEEDS, st.sampled_from([0.001, 0.05, 0.3, 0.9]), st.booleans())
def test_candidates_are_all_spans_above_the_threshold(lengths, seed, threshold, constrained):
    potentials = make_potentials(lengths, seed=seed)
    allowed = random_allowed(potentials, seed) if constrained else None
    known = posterior(OPS, potentials, Packing(OPS, potentials.emissions.lengths), allowed)
    found = [tuple(span) for span in candidate_spans(numpy, known, threshold).tolist()]
    expected = enumerate_spans(potentials, allowed)
    assert sorted(found) == sorted(span for span, p in expected.items() if p >= threshold)


@settings(deadline=None, max_examples=30)
@given(LENGTHS, SEEDS, st.booleans())
def test_outside_probabilities_and_expected_counts_equal_enumeration(lengths, seed, constrained):
    potentials = make_potentials(lengths, seed=seed)
    allowed = random_allowed(potentials, seed) if constrained else None
    known = posterior(OPS, potentials, Packing(OPS, potentials.emissions.lengths), allowed)
    spans = numpy.array(all_spans(lengths))
    outside = dict(zip(map(tuple, spans.tolist()), outside_probabilities(numpy, known, spans)))
    counts, offset = numpy.zeros((len(lengths), 2)), 0
    expected = dict.fromkeys(outside, 0.0)
    for doc, (sequences, scores) in enumerate(enumerate_sequences(potentials, allowed)):
        weights = numpy.exp(scores - scores.max())
        for sequence, p in zip(sequences, weights / weights.sum()):
            for label in range(2):
                counts[doc, label] += p * sequence.count(1 + 2 * label)
            for start, end, label in expected:
                if offset <= start < offset + lengths[doc]:
                    expected[start, end, label] += p * (not any(sequence[start - offset : end - offset]))
        offset += lengths[doc]
    numpy.testing.assert_allclose([outside[span] for span in expected], list(expected.values()), atol=1e-9)
    numpy.testing.assert_allclose(expected_counts(numpy, known, potentials.emissions.lengths), counts, atol=1e-9)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-6), ("float32", 1e-4)])
def test_temperature_divides_all_scores(dtype, tolerance):
    potentials = make_potentials([4], seed=2)
    [(sequences, scores)] = enumerate_sequences(potentials)
    expected = numpy.exp(scores / 2.5 - (scores / 2.5).max())
    potentials.emissions.data = potentials.emissions.data.astype(dtype)
    flat = tempered(potentials, 2.5)
    log_partition = posterior(OPS, flat, Packing(OPS, flat.emissions.lengths)).log_partition[0]
    [(_, found)] = enumerate_sequences(flat)
    numpy.testing.assert_allclose(numpy.exp(found - log_partition), expected / expected.sum(), atol=tolerance)
    assert flat.emissions.data.dtype == dtype


def subsets(spans):
    for size in range(len(spans) + 1):
        for chosen in combinations(range(len(spans)), size):
            ordered = sorted(spans[i][:2] for i in chosen)
            if all(a[1] <= b[0] for a, b in zip(ordered, ordered[1:])):
                yield list(chosen)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3), st.floats(0, 1)), max_size=7),
    st.floats(0.1, 5),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(0, 2),
)
def test_best_expected_f_equals_enumeration_of_subsets(drawn, n_gold, beta, n_certain):
    spans = [(start, start + size, 0) for start, size, _ in drawn]
    probabilities = numpy.array([p for _, _, p in drawn])
    n_gold = max(n_gold, float(probabilities.sum()))

    def score(chosen):
        n_right = probabilities[chosen].sum() + n_certain
        precision_part = len(chosen) + n_certain
        return (1 + beta**2) * n_right / (beta**2 * (n_gold + n_certain) + precision_part)

    best = max(map(score, subsets(spans)))
    start = numpy.zeros(0, dtype="int64")
    array = numpy.array(spans, dtype="int64").reshape(-1, 3)
    found = best_expected_f(array, probabilities, n_gold, beta, start, n_certain)
    assert score(found) == pytest.approx(best, abs=1e-9)
    assert sorted(found.tolist()) in [sorted(subset) for subset in subsets(spans)]


def test_expected_f_of_nothing_is_zero():
    assert expected_f(0.0, 0, 0.0, 1.0) == 0.0


@settings(deadline=None, max_examples=20)
@given(LENGTHS, SEEDS, st.sampled_from([0.5, 1.0, 3.0]))
def test_decoding_by_expected_f_is_best_of_all_subsets_and_never_below_viterbi(lengths, seed, beta):
    potentials = make_potentials(lengths, seed=seed)
    allowed = random_allowed(potentials, seed)
    expected = enumerate_spans(potentials, allowed)
    predictions = predict_entities(
        OPS,
        potentials,
        allowed,
        temperature=1.0,
        candidate_threshold=None if seed % 2 else 0.01,
        beta=beta,
        n_certain=[0] * len(lengths),
    )
    decoded = tags_to_spans(viterbi(OPS, potentials, Packing(OPS, potentials.emissions.lengths), allowed))
    chosen = set(map(tuple, predictions.spans[predictions.chosen].tolist()))
    offset = 0
    for length in lengths:
        rows = [span for span in expected if offset <= span[0] < offset + length]
        n_gold = sum(expected[span] for span in rows)
        own = {tuple(span) for span in decoded.tolist() if offset <= span[0] < offset + length}
        candidates = [span for span in rows if expected[span] >= EXPECTED_F_THRESHOLD or span in own]

        def score(some):
            return expected_f(sum(expected[span] for span in some), len(some), n_gold, beta)

        best = max(score([candidates[i] for i in subset]) for subset in subsets(candidates))
        found = score([span for span in chosen if offset <= span[0] < offset + length])
        assert found == pytest.approx(best, abs=1e-9)
        assert found >= score(own) - 1e-12
        offset += length


def test_probabilities_of_candidates_in_a_long_document():
    potentials = make_potentials([100_000], seed=1)
    known = posterior(OPS, potentials, Packing(OPS, potentials.emissions.lengths))
    spans = candidate_spans(numpy, known, 0.2)
    probabilities = span_probabilities(numpy, known, spans)
    assert len(spans) > 10_000 and (probabilities >= 0.2 - 1e-12).all() and (probabilities <= 1).all()
    # No token is in more than 1 / threshold of them, and their probabilities add up to at most 1 over it.
    covered = numpy.zeros(100_001)
    numpy.add.at(covered, spans[:, 0], probabilities)
    numpy.add.at(covered, spans[:, 1], -probabilities)
    assert numpy.cumsum(covered).max() <= 1 + 1e-6
