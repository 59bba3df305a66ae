"""One pass over a corpus: what it keeps, and what it leaves as it was."""

import pytest
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_bio_ner.constraints import ANNOTATED_LABELS, USER_DATA
from spacy_bio_ner.evaluation.calibration import scored_entities
from spacy_bio_ner.evaluation.doc_results import of_labels, predict_corpus
from spacy_bio_ner.evaluation.scores import score
from spacy_bio_ner.util import InputError

from ..conftest import NOISY, TEXTS, gold_docs


def test_every_doc_is_predicted_once_and_settings_stay(trained, monkeypatch):
    calls = []
    component = trained.get_pipe("bio_ner")
    predict = component.predict
    monkeypatch.setattr(component, "predict", lambda docs: calls.extend(doc.text for doc in docs) or predict(docs))
    before = dict(component.cfg)
    results = predict_corpus(trained, gold_docs(trained, NOISY))
    for _ in range(2):
        score(results), scored_entities(results)
    assert calls == [text for text, _ in NOISY] and dict(component.cfg) == before
    for result, (text, ents) in zip(results, NOISY):
        doc = trained(text)
        assert {span[:3] for span in result.mentions} == set(ents)
        assert {span[:3] for span in result.entities} == {(e.start_char, e.end_char, e.label_) for e in doc.ents}
        assert [found.probability for found in result.predictions.values()] == pytest.approx(
            [ent._.confidence for ent in doc.ents], abs=1e-4
        )
        # One number of each label, and nothing that an encoder has hung on the Doc.
        assert set(result.expected) == {"CHEM", "DIS"} and not len(result.doc.tensor) and not result.doc.user_data


def test_settings_stay_if_the_pipeline_fails(trained, monkeypatch):
    component = trained.get_pipe("bio_ner")
    monkeypatch.setattr(component, "set_annotations", lambda docs, predictions: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        predict_corpus(trained, gold_docs(trained, TEXTS))
    assert component.cfg["candidate_threshold"] is None


def test_what_the_threshold_leaves_out_is_known_too(trained):
    golds = gold_docs(trained, NOISY)
    loose = predict_corpus(trained, golds)
    trained.get_pipe("bio_ner").cfg["threshold"] = 1.0
    strict = predict_corpus(trained, golds)
    assert not any(result.entities for result in strict)
    for a, b in zip(loose, strict):
        assert {span: found.probability for span, found in a.predictions.items()} == {
            span: found.probability for span, found in b.predictions.items()
        }
    assert score(strict)["ents_tp"] == 0 and score(strict)["forecast"]["ents_predicted"] == 0
    assert scored_entities(strict).right.tolist() == scored_entities(loose).right.tolist()


@Language.component("test_one_entity_each", assigns=["doc.ents"])
def one_entity_each(doc):
    doc.ents = [Span(doc, token.i, token.i + 1, label="ABC"[token.i % 3]) for token in doc]
    return doc


@pytest.fixture
def result(nlp):
    """Of four tokens with A, B, C and A as predictions, the first two are gold. The third has no annotation."""
    nlp.add_pipe("test_one_entity_each")
    gold = Doc(nlp.vocab, words=["a", "b", "c", "d"])
    gold.set_ents([Span(gold, 0, 1, label="A"), Span(gold, 1, 2, label="B")], missing=[gold[2:3]])
    [result] = predict_corpus(nlp, [gold])
    return result


def test_results_of_some_labels(result):
    assert [span.label for span in sorted(result.entities)] == ["A", "B", "A"]
    [part] = of_labels([result], {"A", "C"})
    assert [span.label for span in part.mentions] == ["A"] and [ent.label_ for ent in part.doc.ents] == ["A", "C", "A"]
    scores = score([part])
    assert (scores["ents_tp"], scores["ents_fp"], scores["ents_fn"], scores["ignored"]) == (1, 1, 0, 1)
    assert len(result.doc.ents) == 4 and len(result.mentions) == 2  # as it was


def test_labels_that_a_doc_is_not_annotated_for_are_not_wrong(nlp):
    nlp.add_pipe("test_one_entity_each")
    gold = Doc(nlp.vocab, words=["a", "b", "c", "d"])
    gold.ents = [Span(gold, 0, 1, label="A")]
    gold.user_data[USER_DATA] = {
        "document": None,
        "mentions": [[0, 1, "A", "", []]],
        "ents": [[0, 1, "A", "", []]],
        ANNOTATED_LABELS: ["A"],
    }
    scores = score(predict_corpus(nlp, [gold]))
    assert (scores["ents_tp"], scores["ents_fp"], scores["ignored"]) == (1, 1, 2)


def test_pipeline_that_finds_nothing_is_refused_only_if_nothing_in_it_could(nlp):
    golds = [Doc(nlp.vocab, words=["a"])]
    with pytest.raises(InputError, match="no component of the pipeline sets doc.ents .it has none"):
        predict_corpus(nlp, golds)
    nlp.add_pipe("entity_ruler")
    [result] = predict_corpus(nlp, golds)
    assert not result.predictions and result.expected is None
