"""Probabilities of entities against enumeration of all tag sequences."""

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_bio_ner.crf import posterior, span_probabilities
from spacy_bio_ner.packing import Packing
from spacy_bio_ner.scheme import tags_to_spans

from .conftest import TEXTS
from .test_crf import OPS, enumerate_sequences, make_potentials, random_allowed


def enumerate_spans(potentials, allowed=None):
    """The probability of every span, from all tag sequences."""
    offset, found = 0, {}
    for length, (sequences, scores) in zip(potentials.emissions.lengths, enumerate_sequences(potentials, allowed)):
        weights = numpy.exp(scores - scores.max())
        for sequence, p in zip(sequences, weights / weights.sum()):
            for start, end, label in tags_to_spans(numpy.array(sequence, dtype="int64")).tolist():
                key = (start + offset, end + offset, label)
                found[key] = found.get(key, 0.0) + p
        offset += int(length)
    return found


def all_spans(lengths, n_labels=2):
    starts = numpy.cumsum([0, *lengths])
    return [
        (start + s, start + e, label)
        for start, length in zip(starts, lengths)
        for s in range(length)
        for e in range(s + 1, length + 1)
        for label in range(n_labels)
    ]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3).filter(any), st.integers(0, 10**6), st.booleans())
def test_span_probabilities_equal_enumeration(lengths, seed, constrained):
    potentials = make_potentials(lengths, seed=seed)
    allowed = random_allowed(potentials, seed) if constrained else None
    found = posterior(OPS, potentials, Packing(OPS, potentials.emissions.lengths), allowed)
    spans = all_spans(lengths)
    expected = enumerate_spans(potentials, allowed)
    probabilities = span_probabilities(numpy, found, numpy.array(spans))
    numpy.testing.assert_allclose(probabilities, [expected.get(span, 0.0) for span in spans], atol=1e-9)
    by_span = dict(zip(spans, probabilities))
    for token in range(sum(lengths)):
        covering = sum(p for (start, end, _), p in by_span.items() if start <= token < end)
        assert found.tags[token, 0] + covering == pytest.approx(1, abs=1e-9)
        for label in range(2):
            starting = sum(p for (start, _, lb), p in by_span.items() if start == token and lb == label)
            assert starting == pytest.approx(found.tags[token, 1 + 2 * label], abs=1e-9)


def test_long_documents_neither_underflow_nor_overflow():
    potentials = make_potentials([100_000], seed=1)
    found = posterior(OPS, potentials, Packing(OPS, potentials.emissions.lengths))
    spans = numpy.array([(i, i + 1 + i % 3, i % 2) for i in range(0, 99_990, 7)])
    probabilities = span_probabilities(numpy, found, spans)
    assert numpy.isfinite(probabilities).all() and (probabilities >= 0).all() and (probabilities <= 1).all()
    assert probabilities.max() > 0.1


def confidences(doc):
    return [ent._.confidence for ent in doc.ents]


def enumerate_doc(nlp, doc, allowed=None):
    potentials = nlp.get_pipe("bio_ner").model.predict([doc])
    return enumerate_spans(potentials, allowed)


def test_confidence_equals_enumeration_and_travels_with_the_doc(trained):
    text = "Aspirin and warfarin ."
    doc = trained(text)
    expected = enumerate_doc(trained, trained.make_doc(text))
    labels = trained.get_pipe("bio_ner").labels
    for ent in doc.ents:
        assert ent._.confidence == pytest.approx(expected[ent.start, ent.end, labels.index(ent.label_)], abs=1e-4)
    values = confidences(doc)
    assert len(values) == 2 and all(isinstance(value, float) for value in values)
    assert doc.spans["bio_ner"].attrs["scores"] == values
    copies = [Doc(trained.vocab).from_bytes(doc.to_bytes())]
    copies += DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab)
    copies += trained.pipe([text] * 3, n_process=2, batch_size=1)
    for copy in copies:
        assert confidences(copy) == pytest.approx(values, abs=1e-6)


def test_confidence_of_a_changed_entity_is_none(trained):
    doc = trained("Aspirin and warfarin .")
    doc.set_ents([Span(doc, 0, 2, label="CHEM"), Span(doc, 2, 3, label="DIS")])
    assert confidences(doc) == [None, None]
    assert confidences(trained.make_doc("Aspirin")) == []


def test_threshold_drops_entities_at_run_time(trained):
    component = trained.get_pipe("bio_ner")
    text = "Aspirin and warfarin ."
    values = sorted(confidences(trained(text)))
    component.cfg["threshold"] = (values[0] + values[1]) / 2
    assert confidences(trained(text)) == [values[1]]
    component.cfg["threshold"] = 1.1
    assert trained(text).ents == ()
    reloaded = spacy.blank("en")
    reloaded.add_pipe("bio_ner", config={"threshold": 0.25})
    assert reloaded.get_pipe("bio_ner").cfg["threshold"] == 0.25


def test_presets_condition_every_other_probability(trained):
    """The preset has confidence 1; the others are those of all sequences that have it."""
    text = "Fever after penicillin"
    doc = trained.make_doc(text)
    doc.set_ents([Span(doc, 0, 2, label="DIS")], default="unmodified")
    doc = trained.get_pipe("bio_ner")(doc)
    allowed = numpy.zeros((3, 5), dtype=bool)
    labels = trained.get_pipe("bio_ner").labels
    dis = 1 + 2 * labels.index("DIS")
    allowed[0, dis] = allowed[1, dis + 1] = True
    allowed[2] = True
    allowed[2, dis + 1] = False
    expected = enumerate_doc(trained, trained.make_doc(text), allowed)
    assert doc.ents[0]._.confidence == 1.0
    [other] = doc.ents[1:]
    assert other._.confidence == pytest.approx(expected[2, 3, labels.index(other.label_)], abs=1e-4)
    unknown = trained.make_doc(text)
    unknown.set_ents([Span(unknown, 0, 1, label="NEW")], default="unmodified")
    assert confidences(trained.get_pipe("bio_ner")(unknown))[0] == 1.0


def test_confidence_does_not_depend_on_the_batch(trained):
    words = " ".join(text for text, _ in TEXTS).split()
    rng = numpy.random.default_rng(1)
    texts = [" ".join(rng.choice(words, size=size)) for size in rng.integers(1, 40, size=40)]
    alone = [confidences(trained(text)) for text in texts]
    for batch_size in (1, 7, 64):
        for one, doc in zip(alone, trained.pipe(texts, batch_size=batch_size)):
            assert confidences(doc) == pytest.approx(one, abs=1e-4)
