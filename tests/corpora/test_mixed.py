"""The mix of two corpora: what an epoch holds, and in which proportion."""

from collections import Counter

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import registry

from spacy_bio_ner.corpora import mixed
from spacy_bio_ner.corpora.mixed import MixedCorpus
from spacy_bio_ner.distillation import Posterior, write_posterior

NLP = spacy.blank("en")


def reader(name, lengths):
    """A corpus of texts of these lengths, each of whose words tells which it is."""

    def read(nlp):
        for i, length in enumerate(lengths):
            doc = Doc(nlp.vocab, words=[f"{name}{i}"] * length)
            yield Example(doc, doc.copy())

    return read


def words(examples):
    return [eg.predicted[0].text if len(eg.predicted) else "" for eg in examples]


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=20),
    st.lists(st.integers(0, 30), min_size=1, max_size=20).filter(any),
    st.floats(0, 0.9),
)
def test_an_epoch_is_one_pass_over_the_first_with_a_share_of_the_second(first, second, share):
    corpus = MixedCorpus(reader("a", first), reader("b", second), share)
    for _ in range(2):
        epoch = list(corpus(NLP))
        found = words(epoch)
        assert sorted(word for word in found if word[0] == "a") == sorted(f"a{i}" for i in range(len(first)))
        n_second = sum(len(eg.predicted) for eg, word in zip(epoch, found) if word[0] == "b")
        wanted = share / (1 - share) * sum(first)
        assert wanted <= n_second <= wanted + max(second)


def test_the_second_corpus_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(mixed, "BUFFER", 3)
    corpus = MixedCorpus(reader("a", [1] * 10), reader("b", [1] * 40), 0.5)
    found = Counter(word for _ in range(4) for word in words(corpus(NLP)))
    assert [found[f"b{i}"] for i in range(40)] == [1] * 40 and found["a0"] == 4


def test_it_is_shuffled_without_being_held(monkeypatch):
    monkeypatch.setattr(mixed, "BUFFER", 5)
    read = 0

    def endless(nlp):
        nonlocal read
        while True:
            read += 1
            doc = Doc(nlp.vocab, words=[str(read)])
            yield Example(doc, doc.copy())

    found = [int(word) for word in words(MixedCorpus(reader("a", [1] * 20), endless, 0.5)(NLP)) if word[0] != "a"]
    assert len(found) == 20 and read <= 26 and found != sorted(found)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_without_meaning_is_refused(share):
    with pytest.raises(ValueError, match="expected 0 to less than 1"):
        registry.readers.get("spacy_bio_ner.MixedCorpus.v1")(reader("a", [1]), reader("b", [1]), share)


def test_an_empty_second_corpus_is_refused():
    with pytest.raises(ValueError, match="has no text"):
        list(MixedCorpus(reader("a", [1]), reader("b", [0, 0]), 0.5)(NLP))


def test_an_epoch_begins_with_every_label():
    """spaCy looks for labels in the first 100 examples of a stream only."""

    def gold(nlp):
        for i in range(500):
            doc = Doc(nlp.vocab, words=["word"])
            doc.ents = [Span(doc, 0, 1, "RARE" if i == 77 else "OFTEN")] if i % 5 == 2 else []
            yield Example(doc.copy(), doc)

    for _ in range(3):
        epoch = list(MixedCorpus(gold, reader("b", [1] * 40), 0.5)(NLP))
        labels = [ent.label_ for eg in epoch[:5] for ent in eg.reference.ents]
        assert sorted(labels) == ["OFTEN", "RARE"]
        assert sum(label == "RARE" for eg in epoch for label in [ent.label_ for ent in eg.reference.ents]) == 1


def test_a_taught_doc_is_learned_with_the_tokens_of_its_teacher():
    def taught(nlp):
        doc = Doc(nlp.vocab, words=["in", "vitro-grown"])
        write_posterior(doc, ["X"], Posterior(numpy.ones((2, 3)) / 3, numpy.zeros((3, 3))))
        yield Example(nlp.make_doc(doc.text), doc)

    [example] = [eg for eg in MixedCorpus(reader("a", [1]), taught, 0.5)(NLP) if eg.predicted[0].text == "in"]
    assert [token.text for token in example.predicted] == ["in", "vitro-grown"] and len(NLP.make_doc("vitro-grown")) > 1
