"""Thresholds chosen after the pipeline has run, against the component with that threshold."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_bio_ner.thresholds import entities_at

from .conftest import NOISY, SMALL_MODEL, TEXTS, learn_by_heart

MORE = ["Warfarin fibrosis after pulmonary Asthma , Fever and Aspirin .", "cause seen", ""]
UNSURE = [*(text for text, _ in TEXTS), *MORE]


@pytest.fixture(scope="module")
def unsure():
    """A pipeline that has learned little, so that its probabilities are of all sizes."""
    return learn_by_heart(SMALL_MODEL, n_updates=12)


def places(ents):
    # Probabilities of another batch differ in the last digits.
    return [(ent.start_char, ent.end_char, ent.label_, round(ent._.confidence, 4)) for ent in ents]


def processed(nlp, threshold, candidate_threshold=None):
    nlp.get_pipe("bio_ner").cfg.update(threshold=threshold, candidate_threshold=candidate_threshold)
    return list(nlp.pipe(UNSURE))


SHARES = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
THRESHOLDS = SHARES | st.fixed_dictionaries({}, optional={"CHEM": SHARES, "DIS": SHARES, "NONE": SHARES})


@given(THRESHOLDS, THRESHOLDS, st.sampled_from([None, 0.05]))
def test_entities_are_those_of_a_component_with_that_threshold(unsure, threshold, other, candidate_threshold):
    docs = processed(unsure, other, candidate_threshold)
    for doc, expected in zip(docs, processed(unsure, threshold)):
        assert places(entities_at(doc, threshold)) == places(expected.ents)


def test_thresholds_of_the_test_make_a_difference(unsure):
    numbers = [sum(len(doc.ents) for doc in processed(unsure, threshold)) for threshold in (0.0, 0.3, 0.6, 0.9)]
    assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) >= 3


def test_a_threshold_that_is_a_probability_keeps_it(unsure):
    [doc, *_] = processed(unsure, 0.0)
    for ent in doc.ents:
        confidence = ent._.confidence
        [again, *_] = processed(unsure, confidence)
        assert places(entities_at(doc, confidence)) == places(again.ents)


def test_over_both_encoders(trained):
    strict, loose = processed(trained, 1.0), processed(trained, 0.0)
    assert any(doc.ents for doc in loose) and not any(doc.ents for doc in strict)
    assert [places(entities_at(doc, 0.0)) for doc in strict] == [places(doc.ents) for doc in loose]


def test_they_travel_with_the_doc(unsure):
    docs = processed(unsure, 0.9)
    copies = DocBin(docs=docs, store_user_data=True).to_bytes()
    for doc, copy in zip(docs, DocBin().from_bytes(copies).get_docs(spacy.blank("en").vocab)):
        assert places(entities_at(copy, 0.0)) == places(entities_at(doc, 0.0))


def test_what_was_left_out_is_no_entity_and_no_preset_afterwards(unsure):
    strict = processed(unsure, 1.0)
    assert not any(doc.ents or len(doc.spans["bio_ner"]) for doc in strict)
    unsure.get_pipe("bio_ner").cfg["threshold"] = 0.0
    again = [unsure(doc) for doc in strict]
    assert [places(doc.ents) for doc in again] == [places(doc.ents) for doc in processed(unsure, 0.0)]
    assert not any("left_out" in doc.spans["bio_ner"].attrs for doc in again)


def test_what_others_have_set_stays(unsure):
    text = NOISY[0][0]
    unsure.get_pipe("bio_ner").cfg["threshold"] = 1.0
    doc = unsure.make_doc(text)
    doc.ents = [Span(doc, 3, 5, label="RULE")]  # before
    doc = unsure(doc)
    doc.ents = [*doc.ents, Span(doc, 0, 1, label="LATER")]  # and after
    for threshold in (0.0, 1.0):
        assert [(ent.text, ent.label_) for ent in entities_at(doc, threshold) if ent.label_ in ("RULE", "LATER")] == [
            ("Amiodarone", "LATER"),
            ("pulmonary fibrosis", "RULE"),
        ]
    found = entities_at(doc, 0.0)
    doc.ents = found  # they do not overlap


def test_merged_tokens_are_no_obstacle(unsure):
    [doc, *_] = processed(unsure, 1.0)
    found = places(entities_at(doc, 0.0))
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[3:5])
    assert set(places(entities_at(doc, 0.0))) <= set(found)


def test_what_cannot_be_answered(unsure, nlp):
    [doc, *_] = processed(unsure, 0.0)
    for threshold in (1.5, "high", {"CHEM": -1}, None):
        with pytest.raises(ValueError, match="should be a number from 0 to 1"):
            entities_at(doc, threshold)
    with pytest.raises(ValueError, match=r"no probabilities in doc.spans: no bio_ner"):
        entities_at(Doc(nlp.vocab, words=["new"]), 0.5)
    with pytest.raises(ValueError, match=r"no probabilities in doc.spans\['other'\]"):
        entities_at(doc, 0.5, "other")


def test_of_several_components():
    config = {"model": SMALL_MODEL}
    nlp = spacy.blank("en")
    for name in ("first", "second"):
        nlp.add_pipe("bio_ner", name=name, config=config)
    for name, label in (("first", "CHEM"), ("second", "DIS")):
        examples = [
            Example.from_dict(nlp.make_doc(text), {"entities": [ent for ent in ents if ent[2] == label]})
            for text, ents in TEXTS
        ]
        nlp.get_pipe(name).initialize(lambda: examples, nlp=nlp)
        optimizer = nlp.create_optimizer()
        for _ in range(15):
            nlp.get_pipe(name).update(examples, sgd=optimizer)
    second = nlp.get_pipe("second").cfg
    loose = [nlp(text) for text, _ in TEXTS]
    second["threshold"] = 1.0
    for doc, (text, _) in zip(loose, TEXTS):
        strict = nlp(text)
        assert places(entities_at(doc, 1.0, "second")) == places(strict.ents)
        assert places(entities_at(strict, 0.0, "second")) == places(entities_at(strict, 0.0)) == places(doc.ents)
        assert {label for _, _, label, _ in places(entities_at(doc, 1.0, "second"))} <= {"CHEM"}
        assert entities_at(doc, 1.0) == []
    assert any(doc.ents for doc in loose)
