import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.util import registry

# The batcher asks for nothing but lengths.
LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=200)


def make(**settings):
    return registry.batchers.get("spacy_bio_ner.batch_by_corpus.v1")(**settings)


@given(LENGTHS, st.integers(1, 50), st.integers(60, 100), st.integers(100, 500))
def test_every_example_is_in_one_batch_of_the_size_wanted(lengths, n_batches, min_words, max_words):
    examples = [range(length) for length in lengths]
    batches = list(make(n_batches=n_batches, min_words=min_words, max_words=max_words)(examples))
    assert sorted(map(len, (e for batch in batches for e in batch))) == sorted(lengths)
    assert all(batches)
    size = min(max(sum(lengths) // n_batches, min_words), max_words)
    sizes = [sum(map(len, batch)) for batch in batches]
    assert max(sizes) <= 1.2 * size
    # None but the last could have taken the next example too.
    assert all(n > size - 60 for n in sizes[:-1])


@pytest.mark.parametrize("n_words, n_batches", [(500, 5), (12_000, 120), (120_000, 120), (1_200_000, 240)])
def test_the_number_of_batches_holds_between_the_limits(n_words, n_batches):
    examples = [range(10)] * (n_words // 10)
    batches = list(make(n_batches=120, min_words=100, max_words=5000)(examples))
    assert len(batches) == pytest.approx(n_batches, rel=0.1)


@pytest.mark.parametrize("padded", [False, True])
def test_a_stream_is_not_read_further_than_it_must_be(padded):
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield range(10)

    batches = make(n_batches=20, min_words=10, max_words=100, padded=padded)(endless())
    first = [next(batches) for _ in range(50)]
    assert max(len(batch) for batch in first) == 10 and read < 20 * 10 + 300 + 50 * 10
