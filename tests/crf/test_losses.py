"""The losses against enumeration, their gradients against finite differences."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.crf.losses import cross_entropy, match_labels, negative_log_likelihood

from .enumeration import (
    OPS,
    enumerate_probabilities,
    enumerate_sequences,
    make_potentials,
    random_allowed,
    random_rejected,
)

LABELS = ["A", "B"]


def check_gradient(loss, potentials):
    """Compare a loss's gradient with finite differences, score by score."""
    _, gradient = loss(potentials)
    eps = 1e-5
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
            above, _ = loss(potentials)
            values[index] = original - eps
            below, _ = loss(potentials)
            values[index] = original
            assert found[index] == pytest.approx((above - below) / (2 * eps), abs=1e-6)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 10**6))
def test_likelihood_equals_enumeration(lengths, seed):
    potentials = make_potentials(lengths, seed=seed)
    allowed, rejected = random_allowed(potentials, seed), random_rejected(lengths, seed)
    expected = 0.0
    annotated = enumerate_sequences(potentials, allowed, rejected)
    for (_, scores), (_, compatible) in zip(enumerate_sequences(potentials), annotated):
        expected += numpy.log(numpy.exp(scores).sum()) - numpy.log(numpy.exp(compatible).sum())
    loss, _ = negative_log_likelihood(OPS, potentials, allowed, rejected)
    assert loss == pytest.approx(expected, abs=1e-9)


def test_one_rejected_span_costs_minus_the_log_of_one_minus_its_probability():
    potentials = make_potentials([5], seed=3)
    span = (1, 4, 1)
    [p] = LinearChain.from_potentials(OPS, potentials).span_probabilities(numpy.array([span]))
    loss, _ = negative_log_likelihood(OPS, potentials, numpy.ones((5, 5), dtype=bool), [span])
    assert loss == pytest.approx(-numpy.log1p(-p), abs=1e-9)


@pytest.mark.parametrize("rejected", [[], [(0, 2, 1), (0, 3, 1), (1, 3, 1), (4, 6, 0), (4, 7, 0)]])
def test_gradient_of_the_likelihood_equals_finite_differences(rejected):
    potentials = make_potentials([3, 0, 1, 4], seed=3)
    allowed = random_allowed(potentials, 4)
    check_gradient(lambda scores: negative_log_likelihood(OPS, scores, allowed, rejected), potentials)


def test_missing_annotation_costs_nothing():
    potentials = make_potentials([4, 2], seed=6)
    loss, gradient = negative_log_likelihood(OPS, potentials, numpy.ones((6, 5), dtype=bool))
    assert loss == pytest.approx(0, abs=1e-9)
    numpy.testing.assert_allclose(gradient.emissions.data, 0, atol=1e-9)


def test_gradient_has_the_dtype_of_the_scores():
    potentials = make_potentials([1000], seed=7)
    allowed = random_allowed(potentials, 1)
    loss64, gradient64 = negative_log_likelihood(OPS, potentials, allowed)
    for array in ("emissions", "transitions", "starts"):
        value = getattr(potentials, array)
        if array == "emissions":
            value.data = value.data.astype("float32")
        else:
            setattr(potentials, array, value.astype("float32"))
    loss32, gradient32 = negative_log_likelihood(OPS, potentials, allowed)
    assert loss32 == pytest.approx(loss64, abs=1e-3)
    assert gradient32.emissions.data.dtype == gradient32.transitions.dtype == gradient32.starts.dtype == "float32"
    numpy.testing.assert_allclose(gradient64.emissions.data, gradient32.emissions.data, atol=1e-4)


def target_of(potentials):
    chain = LinearChain.from_potentials(OPS, potentials)
    return chain.expected_counts(), chain.entropy()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(0, 10**6))
def test_divergence_from_a_teacher_equals_enumeration(lengths, seed):
    teacher, student = make_potentials(lengths, seed=seed), make_potentials(lengths, seed=seed + 1)
    counts, entropy = target_of(teacher)
    expected = 0.0
    for (_, of_teacher), (_, of_student) in zip(enumerate_probabilities(teacher), enumerate_probabilities(student)):
        q = dict(of_student)
        expected += sum(p * (numpy.log(p) - numpy.log(q[tags])) for tags, p in of_teacher if p > 0)
    loss, _ = cross_entropy(OPS, student, counts, numpy.ones((1, 5), dtype=bool))
    assert loss - entropy == pytest.approx(expected, abs=1e-8)


def test_gradient_towards_a_teacher_equals_finite_differences():
    counts, _ = target_of(make_potentials([3, 1, 0, 4], seed=1))
    everything = numpy.ones((1, 5), dtype=bool)
    student = make_potentials([3, 1, 0, 4], seed=2)
    check_gradient(lambda scores: cross_entropy(OPS, scores, counts, everything), student)


def test_a_student_that_equals_its_teacher_has_nothing_to_learn():
    potentials = make_potentials([3, 4], seed=1)
    counts, entropy = target_of(potentials)
    loss, gradient = cross_entropy(OPS, potentials, counts, numpy.ones((1, 5), dtype=bool))
    assert loss - entropy == pytest.approx(0, abs=1e-9)
    for array in (gradient.emissions.data, gradient.transitions, gradient.starts):
        numpy.testing.assert_allclose(array, 0, atol=1e-9)


@given(st.permutations(["A", "B", "C"]), st.lists(st.sampled_from("ABCD"), min_size=1, max_size=4, unique=True))
def test_labels_are_matched_by_name(labels, wanted):
    """Against relabelling every sequence: a label that is not wanted becomes O."""
    potentials = make_potentials([3, 2], n_tags=7, seed=1)
    chain = LinearChain.from_potentials(OPS, potentials)
    found = match_labels(OPS, chain.expected_counts(), labels, wanted)
    n_tags = 1 + 2 * len(wanted)
    marginals, transitions, starts = numpy.zeros((5, n_tags)), numpy.zeros((n_tags, n_tags)), numpy.zeros(n_tags)

    def renamed(tag):
        label = labels[(tag - 1) // 2] if tag else None
        return 2 * wanted.index(label) + 2 - tag % 2 if label in wanted else 0

    for offset, sequences in enumerate_probabilities(potentials):
        for tags, p in sequences:
            tags = [renamed(tag) for tag in tags]
            for i, tag in enumerate(tags):
                marginals[offset + i, tag] += p
            for a, b in zip(tags, tags[1:]):
                transitions[a, b] += p
            starts[tags[0]] += p
    numpy.testing.assert_allclose(found.emissions.data, marginals, atol=1e-9)
    numpy.testing.assert_allclose(found.transitions, transitions, atol=1e-9)
    numpy.testing.assert_allclose(found.starts, starts, atol=1e-9)


def test_what_the_teacher_does_not_know_is_left_as_it_is():
    """The student's second label gets no gradient, and what it thinks of the first is compared without the second."""
    teacher, student = make_potentials([3], n_tags=3, seed=1), make_potentials([3], n_tags=5, seed=2)
    counts, entropy = target_of(teacher)
    known = numpy.array([[True, True, True, False, False]])
    loss, gradient = cross_entropy(OPS, student, match_labels(OPS, counts, ["A"], LABELS), known)
    [(_, of_teacher)] = enumerate_probabilities(teacher)
    [(_, of_student)] = enumerate_probabilities(student, numpy.repeat(known, 3, axis=0))
    q = dict(of_student)
    expected = sum(p * (numpy.log(p) - numpy.log(q[tags])) for tags, p in of_teacher if p > 0)
    assert loss - entropy == pytest.approx(expected, abs=1e-9)
    assert (gradient.emissions.data[:, 3:] == 0).all()
