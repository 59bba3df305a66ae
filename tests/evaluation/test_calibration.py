"""Calibration: figures against hand-made cases, fits against what the data was drawn from."""

import numpy
import pytest
import spacy
import srsly
from numpy.testing import assert_allclose

from spacy_bio_ner.constraints import Constraints
from spacy_bio_ner.evaluation.calibration import (
    bio_ner_of,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability,
    scored_entities,
)
from spacy_bio_ner.evaluation.doc_results import predict_corpus
from spacy_bio_ner.evaluation.scores import evaluate
from spacy_bio_ner.util import InputError

from ..conftest import NOISY, TEXTS, gold_docs
from ..crf.enumeration import OPS, enumerate_sequences, make_potentials
from .conftest import bio_ner


def test_calibration_figures_equal_hand_made_ones():
    probabilities = numpy.array([0.9, 0.1, 0.8, 0.3])
    right = numpy.array([True, False, False, True])
    assert_allclose(reliability(probabilities, right, 2), [[0.2, 0.5, 2], [0.85, 0.5, 2]])
    assert expected_calibration_error(probabilities, right, 2) == pytest.approx((0.3 + 0.35) / 2)
    assert brier_score(probabilities, right) == pytest.approx((0.01 + 0.01 + 0.64 + 0.49) / 4)
    # More bins than entities: those that are empty are left out.
    assert len(reliability(probabilities, right, 15)) == 4


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_fitted_temperature_is_that_which_the_annotation_was_drawn_at(temperature):
    rng = numpy.random.default_rng(0)
    potentials = make_potentials([4] * 400, seed=1)
    allowed = []
    for sequences, scores in enumerate_sequences(potentials):
        weights = numpy.exp((scores - scores.max()) / temperature)
        drawn = sequences[rng.choice(len(sequences), p=weights / weights.sum())]
        allowed.append(numpy.eye(5, dtype=bool)[list(drawn)])
    found = fit_temperature(OPS, [(potentials, Constraints(numpy.concatenate(allowed), []))])
    assert found == pytest.approx(temperature, rel=0.15)


def test_scored_entities_are_those_of_evaluate(trained):
    golds = gold_docs(trained, NOISY)
    results = predict_corpus(trained, golds)
    entities, scores = scored_entities(results), evaluate(trained, golds)
    assert entities.right.sum() == scores["ents_tp"] and (~entities.right).sum() == scores["ents_fp"]
    assert entities.n_gold == scores["ents_support"]
    confidences = [ent._.confidence for doc in trained.pipe(text for text, _ in NOISY) for ent in doc.ents]
    assert_allclose(entities.probabilities, confidences, atol=1e-6)
    for label, row in scores["ents_per_type"].items():
        _, right, n_gold = scored_entities(results, label)
        assert (right.sum(), len(right), n_gold) == (row["tp"], row["tp"] + row["fp"], row["support"])
    [_, none, n_gold] = scored_entities(results, "NONE")
    assert (len(none), n_gold) == (0, 0)


def test_predictions_on_missing_annotation_are_not_scored(trained):
    [gold] = gold_docs(trained, TEXTS[:1])
    gold.set_ents(gold.ents[:1], missing=[gold[3:5]])
    assert len(scored_entities(predict_corpus(trained, [gold])).right) == 1
    gold.set_ents([], missing=[gold[:]])
    with pytest.raises(InputError, match="finds no entity with a probability in the corpus's 1 Docs"):
        scored_entities(predict_corpus(trained, [gold]))


def test_pipeline_without_the_component_is_refused(nlp):
    with pytest.raises(InputError, match="no component of the pipeline is a bio_ner.*it has none"):
        bio_ner_of(nlp)


def test_calibrate_changes_probabilities_and_no_entity(trained, model, dev, tmp_path):
    pytest.importorskip("scipy", reason="needs the extra [report]")
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    outputs = {name: tmp_path / name for name in ("scores.json", "diagram.png")}
    result = bio_ner(
        "calibrate", model, dev, "--output", tmp_path / "calibrated",
        "--scores", outputs["scores.json"], "--diagram", outputs["diagram.png"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert outputs["diagram.png"].read_bytes().startswith(b"\x89PNG")
    scores = srsly.read_json(outputs["scores.json"])
    assert scores["after"]["temperature"] > 1.2 and scores["before"]["temperature"] == 1.0
    gaps = [abs(scores[when]["confidence"] - scores[when]["precision"]) for when in ("before", "after")]
    assert gaps[1] < gaps[0]
    calibrated = spacy.load(tmp_path / "calibrated")
    assert calibrated.get_pipe("bio_ner").cfg["temperature"] == scores["after"]["temperature"]
    for text, _ in TEXTS:
        a, b = trained(text), calibrated(text)
        assert [(e.start, e.end, e.label_) for e in a.ents] == [(e.start, e.end, e.label_) for e in b.ents]
        assert all(x._.confidence > y._.confidence for x, y in zip(a.ents, b.ents))
    # A threshold hides no entity from the judgement, and stays.
    component = trained.get_pipe("bio_ner")
    component.cfg["threshold"] = 0.999
    trained.to_disk(tmp_path / "strict")
    component.cfg["threshold"] = 0.0
    assert bio_ner("calibrate", tmp_path / "strict", dev, "--scores", tmp_path / "strict.json").exit_code == 0
    assert srsly.read_json(tmp_path / "strict.json")["before"] == scores["before"]
    assert spacy.load(tmp_path / "strict").get_pipe("bio_ner").cfg["threshold"] == 0.999
    # In place, only the settings are written.
    weights = (model / "bio_ner" / "model").stat().st_mtime_ns
    assert bio_ner("calibrate", model, dev).exit_code == 0
    assert srsly.read_json(model / "bio_ner" / "cfg")["temperature"] == pytest.approx(scores["after"]["temperature"])
    assert (model / "bio_ner" / "model").stat().st_mtime_ns == weights


def test_temperature_maximizes_the_likelihood_of_the_corpus(trained, dev, model):
    """Of a grid of temperatures none makes the annotation more probable than the one that was found."""
    pytest.importorskip("scipy", reason="needs the extra [report]")
    assert bio_ner("calibrate", model, dev).exit_code == 0
    found = srsly.read_json(model / "bio_ner" / "cfg")["temperature"]
    component = trained.get_pipe("bio_ner")

    def log_likelihood(temperature):
        total = 0.0
        for text, ents in NOISY:
            doc = trained.make_doc(text)
            potentials = component.model.predict([doc])
            [(sequences, scores)] = enumerate_sequences(potentials)
            gold = [0] * len(doc)
            for start, end, label in ents:
                span = doc.char_span(start, end)
                gold[span.start : span.end] = [2 + 2 * component.labels.index(label)] * len(span)
                gold[span.start] -= 1
            total += scores[sequences.index(tuple(gold))] / temperature
            total -= numpy.log(numpy.exp(scores / temperature).sum())
        return total

    best = log_likelihood(found)
    assert all(log_likelihood(found * factor) <= best + 1e-6 for factor in (0.5, 0.8, 0.97, 1.03, 1.25, 2.0))


def test_calibrate_refuses_what_it_cannot_change(tmp_path, dev, nlp):
    nlp.to_disk(tmp_path / "blank")
    result = bio_ner("calibrate", tmp_path / "blank", dev)
    assert result.exit_code == 1 and "no component of the pipeline is a bio_ner" in result.output
