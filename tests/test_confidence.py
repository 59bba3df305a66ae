"""Probabilities of entities, kept with the Doc: against enumeration, and wherever a Doc goes."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_bio_ner.confidence import read_scored

from .conftest import TEXTS
from .crf.enumeration import enumerate_spans


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
    assert [row.probability for row in read_scored(doc, "bio_ner")] == values
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
    component.cfg["threshold"] = 1.0
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


def with_candidates(nlp, threshold=1e-4, **settings):
    nlp.get_pipe("bio_ner").cfg.update(candidate_threshold=threshold, **settings)
    return nlp


def test_candidates_are_written_beside_the_entities(trained):
    text = "Aspirin or pulmonary warfarin"
    plain = trained(text)
    doc = with_candidates(trained, 1e-3)(text)
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(e.start, e.end, e.label_) for e in plain.ents]
    labels = trained.get_pipe("bio_ner").labels
    expected = enumerate_doc(trained, trained.make_doc(text))
    group = doc.spans["bio_ner"]
    probabilities = [row.probability for row in read_scored(doc, "bio_ner")]
    found = {(s.start, s.end, labels.index(s.label_)): p for s, p in zip(group, probabilities)}
    assert len(found) == len(group) > len(doc.ents)
    assert set(found) == {span for span, p in expected.items() if p >= 1e-3}
    for span, p in found.items():
        assert p == pytest.approx(expected[span], abs=1e-4)
    for i, label in enumerate(labels):
        count = sum(p for (_, _, other), p in expected.items() if other == i)
        assert group.attrs["expected"][label] == pytest.approx(count, abs=1e-4)
    assert confidences(doc) == pytest.approx(confidences(plain))
    [copy] = DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab)
    assert copy.spans["bio_ner"].attrs == group.attrs
    copy = next(trained.pipe([text], n_process=2))
    assert [row.probability for row in read_scored(copy, "bio_ner")] == pytest.approx(probabilities, abs=1e-6)


def test_alternatives_of_an_entity_exclude_it(trained):
    text = "Fever after penicillin"
    doc = with_candidates(trained)(text)
    labels = trained.get_pipe("bio_ner").labels
    expected = enumerate_doc(trained, trained.make_doc(text))
    for ent in doc.ents:
        alternatives = ent._.alternatives
        values = [probability for _, probability in alternatives]
        assert values == sorted(values, reverse=True)
        assert [span for span, _ in alternatives].count(None) == 1
        for span, probability in alternatives:
            if span is not None:
                assert (span.start, span.end, span.label_) != (ent.start, ent.end, ent.label_)
                assert span.start < ent.end and ent.start < span.end
                key = (span.start, span.end, labels.index(span.label_))
                assert probability == pytest.approx(expected[key], abs=1e-4)
    # For an entity of one token these are all that can be: they and the entity add up to 1.
    [ent] = [ent for ent in doc.ents if ent.text == "Fever"]
    total = ent._.confidence + sum(probability for _, probability in ent._.alternatives)
    assert total == pytest.approx(1, abs=1e-2)
    doc.set_ents([Span(doc, 0, 1, label="OTHER")])
    assert doc.ents[0]._.alternatives == [] and confidences(doc) == [None]


def test_k_best_analyses_are_ranked_and_exact(trained):
    component = trained.get_pipe("bio_ner")
    doc = trained.make_doc("Aspirin and fever")
    [analyses] = component.k_best([doc], 200)
    assert doc.ents == () and "bio_ner" not in doc.spans
    values = [probability for _, probability in analyses]
    assert values == sorted(values, reverse=True)
    # There are no more tag sequences than these, so that they add up to 1.
    assert 10 < len(analyses) < 200 and sum(values) == pytest.approx(1, abs=1e-6)
    best = [(ent.start, ent.end, ent.label_) for ent in analyses[0][0]]
    done = trained("Aspirin and fever")
    assert best == [(ent.start, ent.end, ent.label_) for ent in done.ents]
    by_span = {}
    for ents, probability in analyses:
        for ent in ents:
            key = (ent.start, ent.end, ent.label_)
            by_span[key] = by_span.get(key, 0.0) + probability
    for ent in done.ents:
        assert by_span[ent.start, ent.end, ent.label_] == pytest.approx(ent._.confidence, abs=1e-6)
    assert component.k_best([trained.make_doc("")], 3) == [[([], 1.0)]]
    with pytest.raises(ValueError, match="at least 1"):
        component.k_best([doc], 0)


def test_k_best_keeps_presets(trained):
    component = trained.get_pipe("bio_ner")
    doc = trained.make_doc("Fever after penicillin")
    doc.set_ents([Span(doc, 0, 1, label="NEW"), Span(doc, 1, 2, label="DIS")], default="unmodified")
    [analyses] = component.k_best([doc], 100)
    assert sum(probability for _, probability in analyses) == pytest.approx(1, abs=1e-6)
    for ents, _ in analyses:
        assert [(ent.start, ent.end, ent.label_) for ent in ents[:2]] == [(0, 1, "NEW"), (1, 2, "DIS")]


def test_presets_are_candidates_too_and_certain(trained):
    doc = trained.make_doc("Fever after penicillin")
    doc.set_ents([Span(doc, 0, 1, label="NEW"), Span(doc, 1, 2, label="DIS")], default="unmodified")
    doc = with_candidates(trained).get_pipe("bio_ner")(doc)
    group = doc.spans["bio_ner"]
    rows = read_scored(doc, "bio_ner")
    assert [row[:4] for row in rows[:2]] == [(0, 5, "NEW", 1.0), (6, 11, "DIS", 1.0)]
    assert all(row.start_char >= 12 for row in rows[2:])
    assert group.attrs["expected"]["NEW"] == 1.0
    assert group.attrs["expected"]["DIS"] >= 1.0


def test_temperature_is_kept_with_the_pipeline(trained, tmp_path):
    text = "Aspirin and warfarin ."
    sharp = confidences(trained(text))
    trained.get_pipe("bio_ner").cfg["temperature"] = 3.0
    flat = confidences(trained(text))
    assert all(a < b for a, b in zip(flat, sharp))
    trained.to_disk(tmp_path)
    assert confidences(spacy.load(tmp_path)(text)) == pytest.approx(flat, abs=1e-6)


def test_find_threshold_of_spacy_finds_it(trained, tmp_path):
    from spacy.cli.find_threshold import find_threshold

    trained.to_disk(tmp_path / "model")
    docs = []
    for text, ents in TEXTS:
        doc = trained.make_doc(text)
        doc.ents = [doc.char_span(*ent[:2], label=ent[2]) for ent in ents]
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    _, best, scores = find_threshold(
        str(tmp_path / "model"), tmp_path / "dev.spacy", pipe_name="bio_ner", threshold_key="threshold",
        scores_key="ents_f", n_trials=3,
    )  # fmt: skip
    assert best == 1.0 and scores[0.0] == 1.0 and scores[1.0] == 0.0
