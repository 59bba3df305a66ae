from itertools import product

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.crf import bio as scheme

from .enumeration import tags_of


@st.composite
def spans_and_length(draw, max_labels=3):
    """Non-overlapping spans, adjacent ones of one label included."""
    lengths = draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(0, max_labels - 1)), max_size=6)
    )
    spans, position = [], 0
    for gap, size, label in lengths:
        spans.append((position + gap, position + gap + size, label))
        position += gap + size
    return spans, position + draw(st.integers(0, 3))


def is_valid(tags):
    """BIO validity spelled out on tag names, independently of the transition table."""
    names = ["O"] + [p + "-" + c for c in "XYZ" for p in "BI"]
    before = "O"
    for tag in (names[t] for t in tags):
        if tag[0] == "I" and before[2:] != tag[2:]:
            return False
        before = tag
    return True


def test_tag_names_follow_ids():
    assert scheme.n_tags(2) == 5
    tags = numpy.arange(5)  # O, B and I of the first label, B and I of the second
    assert scheme.is_begin(tags).tolist() == [False, True, False, True, False]
    assert scheme.is_inside(tags).tolist() == [False, False, True, False, True]
    assert scheme.inside_tags(5).tolist() == [0, 2, 2, 4, 4]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_transitions_allow_exactly_the_valid_sequences(length):
    n_tags = scheme.n_tags(2)
    transitions, starts = scheme.allowed_transitions(n_tags), scheme.allowed_starts(n_tags)
    for tags in product(range(n_tags), repeat=length):
        allowed = starts[tags[0]] and all(transitions[a, b] for a, b in zip(tags, tags[1:]))
        assert allowed == is_valid(tags), tags


@given(spans_and_length())
def test_spans_survive_tags(case):
    spans, length = case
    tags = tags_of(spans, length)
    assert len(tags) == length
    assert is_valid(tags)
    assert [tuple(span) for span in scheme.tags_to_spans(tags).tolist()] == spans


@given(st.lists(spans_and_length(), max_size=4))
def test_sequences_can_be_read_one_after_the_other(cases):
    expected, offset, tags = [], 0, [numpy.zeros(0, dtype="int64")]
    for spans, length in cases:
        tags.append(tags_of(spans, length))
        expected += [(start + offset, end + offset, label) for start, end, label in spans]
        offset += length
    assert [tuple(s) for s in scheme.tags_to_spans(numpy.concatenate(tags)).tolist()] == expected


def test_adjacent_entities_of_one_label_stay_two():
    tags = tags_of([(0, 2, 0), (2, 3, 0)], 3)
    assert scheme.tags_to_spans(tags).tolist() == [[0, 2, 0], [2, 3, 0]]


@given(spans_and_length(), st.data())
def test_allowed_tags_are_those_of_the_sequences_that_agree(case, data):
    """What a partial annotation allows, found by trying all sequences of a short document."""
    spans, length = case
    length = min(length, 5)
    spans = [s for s in spans if s[1] <= length and s[2] < 2]
    dropped = {s for s in spans if data.draw(st.booleans())}
    outside = set(range(length)) - {i for s in spans for i in range(s[0], s[1])}
    missing = {i for s in dropped for i in range(s[0], s[1])} | {i for i in outside if data.draw(st.booleans())}
    iob, labels = numpy.full(length, scheme.IOB_OUTSIDE), numpy.full(length, -1)
    for start, end, label in spans:
        iob[start:end], labels[start:end] = scheme.IOB_INSIDE, label
        iob[start] = scheme.IOB_BEGIN
    iob[list(missing)] = scheme.IOB_MISSING
    n_tags = scheme.n_tags(2)
    allowed = scheme.allowed_tags(iob, labels, n_tags)
    kept = [s for s in spans if s not in dropped]
    for tags in product(range(n_tags), repeat=length):
        if not is_valid(tags):
            continue
        found = [tuple(s) for s in scheme.tags_to_spans(numpy.array(tags, dtype="int64")).tolist()]
        agrees = all(s in found for s in kept) and all(tags[i] == 0 for i in outside - missing)
        assert agrees == all(allowed[i, t] for i, t in enumerate(tags)), (tags, kept)


def test_entity_with_unknown_label_is_outside():
    allowed = scheme.allowed_tags(numpy.array([3, 1, 0]), numpy.array([-1, -1, -1]), 3)
    assert allowed.tolist() == [[True, False, False], [True, False, False], [True, True, True]]
