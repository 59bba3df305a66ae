"""Calibration: figures against hand-made cases, fits against what the data was drawn from."""

import shutil

import numpy
import pytest
import spacy
import srsly
from numpy.testing import assert_allclose
from scipy.stats import norm
from spacy.tokens import DocBin

from spacy_bio_ner.constraints import Constraints
from spacy_bio_ner.evaluation.calibration import (
    bio_ner_of,
    brier_score,
    error_by_chance,
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

REPEATED = 10 * NOISY


@pytest.fixture
def large(trained, tmp_path):
    """Enough mentions for a temperature."""
    path = tmp_path / "large.spacy"
    DocBin(docs=gold_docs(trained, REPEATED)).to_disk(path)
    return path


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


@pytest.mark.parametrize("n", [1, 10, 300])
def test_fitted_temperature_is_the_maximum_a_posteriori(n):
    """The gold is what the model thinks best: the likelihood alone would have the temperature fall to nothing."""
    potentials = make_potentials([3] * n, seed=1, scale=0.5)
    sequences, scores = zip(*enumerate_sequences(potentials))
    allowed = [numpy.eye(5, dtype=bool)[list(tags[values.argmax()])] for tags, values in zip(sequences, scores)]
    found = fit_temperature(OPS, [(potentials, Constraints(numpy.concatenate(allowed), []))])

    def log_posterior(temperature):
        likelihood = sum(values.max() / temperature - numpy.logaddexp.reduce(values / temperature) for values in scores)
        return likelihood + norm.logpdf(numpy.log(temperature), scale=0.5)

    grid = numpy.exp(numpy.linspace(numpy.log(0.5), numpy.log(8.0), 500))
    assert found == pytest.approx(grid[numpy.argmax([log_posterior(t) for t in grid])], rel=0.01)
    assert found > 0.6 if n == 1 else found < 0.6


def test_calibration_error_by_chance_is_that_of_probabilities_that_hold():
    rng = numpy.random.default_rng(0)
    for n in (40, 4000):
        probabilities = rng.uniform(0.5, 1.0, n)
        low, high = error_by_chance(probabilities)
        errors = [expected_calibration_error(probabilities, rng.random(n) < probabilities) for _ in range(400)]
        assert 0.9 < numpy.mean([low <= error <= high for error in errors]) < 0.99
        assert low > 0.05 if n == 40 else high < 0.05
    assert error_by_chance(numpy.ones(40)) == (0.0, 0.0)


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


def test_calibrate_changes_probabilities_and_no_entity(trained, model, large, tmp_path):
    pytest.importorskip("scipy", reason="needs the extra [report]")
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    outputs = {name: tmp_path / name for name in ("scores.json", "diagram.png")}
    result = bio_ner(
        "calibrate", model, large, "--output", tmp_path / "calibrated",
        "--scores", outputs["scores.json"], "--diagram", outputs["diagram.png"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert outputs["diagram.png"].read_bytes().startswith(b"\x89PNG")
    scores = srsly.read_json(outputs["scores.json"])
    assert scores["after"]["temperature"] > 1.2 and scores["before"]["temperature"] == 1.0
    gaps = [abs(scores[when]["confidence"] - scores[when]["precision"]) for when in ("before", "after")]
    assert gaps[1] < gaps[0]
    calibrated = spacy.load(tmp_path / "calibrated")
    assert calibrated.get_pipe("bio_ner").cfg["temperature"] == pytest.approx(scores["after"]["temperature"])
    for text, _ in TEXTS:
        a, b = trained(text), calibrated(text)
        assert [(e.start, e.end, e.label_) for e in a.ents] == [(e.start, e.end, e.label_) for e in b.ents]
        assert all(x._.confidence > y._.confidence for x, y in zip(a.ents, b.ents))
    # A threshold hides no entity from the judgement, and stays.
    component = trained.get_pipe("bio_ner")
    component.cfg["threshold"] = 0.999
    trained.to_disk(tmp_path / "strict")
    component.cfg["threshold"] = 0.0
    assert bio_ner("calibrate", tmp_path / "strict", large, "--scores", tmp_path / "strict.json").exit_code == 0
    assert srsly.read_json(tmp_path / "strict.json")["before"] == scores["before"]
    assert spacy.load(tmp_path / "strict").get_pipe("bio_ner").cfg["threshold"] == 0.999
    # In place, only the settings are written.
    weights = (model / "bio_ner" / "model").stat().st_mtime_ns
    assert bio_ner("calibrate", model, large).exit_code == 0
    assert srsly.read_json(model / "bio_ner" / "cfg")["temperature"] == pytest.approx(scores["after"]["temperature"])
    assert (model / "bio_ner" / "model").stat().st_mtime_ns == weights


def test_calibrate_leaves_the_temperature_where_there_are_few_mentions(model, dev, tmp_path):
    result = bio_ner("calibrate", model, dev, "--scores", tmp_path / "scores.json", "--output", tmp_path / "calibrated")
    assert result.exit_code == 0, result.output
    assert "The temperature stays 1: 7 mentions are too few, it takes 20" in " ".join(result.output.split())
    assert spacy.load(tmp_path / "calibrated").get_pipe("bio_ner").cfg["temperature"] == 1.0
    scores = srsly.read_json(tmp_path / "scores.json")
    assert scores["before"] == scores["after"] and scores["after"]["mentions"] == 7


def test_calibrate_on_a_cross_validation_takes_each_part_with_its_own_pipeline(model, large, tmp_path):
    """One part for each of two pipelines that are the same, together equal to the whole."""
    options = ("--output", tmp_path / "calibrated", "--scores")
    assert bio_ner("calibrate", model, large, *options, tmp_path / "a.json").exit_code == 0
    docs = list(DocBin().from_disk(large).get_docs(spacy.blank("en").vocab))
    for i in range(2):
        shutil.copytree(model, tmp_path / "folds" / str(i) / "model-best")
        DocBin(docs=docs[i::2]).to_disk(tmp_path / "folds" / str(i) / "held-out.spacy")
    result = bio_ner("calibrate", model, tmp_path / "folds", *options, tmp_path / "b.json")
    assert result.exit_code == 0, result.output
    a, b = (srsly.read_json(tmp_path / name)["after"] for name in ("a.json", "b.json"))
    assert a["mentions"] == b["mentions"] == 70
    assert a["temperature"] == pytest.approx(b["temperature"], rel=1e-3) and a["temperature"] > 1.2
    assert a["brier"] == pytest.approx(b["brier"], rel=1e-3)
    assert spacy.load(tmp_path / "calibrated").get_pipe("bio_ner").cfg["temperature"] == pytest.approx(b["temperature"])


def test_calibrate_refuses_what_it_cannot_change(tmp_path, dev, nlp):
    nlp.to_disk(tmp_path / "blank")
    result = bio_ner("calibrate", tmp_path / "blank", dev)
    assert result.exit_code == 1 and "no component of the pipeline is a bio_ner" in result.output
