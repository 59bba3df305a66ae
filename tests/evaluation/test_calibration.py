"""Calibration, the dial, and forecasts: figures against hand-made cases, fits against what the data was drawn from."""

import shutil

import numpy
import pytest
import spacy
import srsly
from numpy.testing import assert_allclose
from scipy.stats import binom, norm
from spacy.cli import app
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.confidence import write_confidences
from spacy_bio_ner.constraints import Constraints
from spacy_bio_ner.evaluation.calibration import (
    Judgements,
    bio_ner_of,
    brier_score,
    error_by_chance,
    expected_calibration_error,
    fit_temperature,
    judge,
    merge,
    reliability,
)
from spacy_bio_ner.evaluation.curve import lower_end, threshold_for, turn
from spacy_bio_ner.evaluation.evaluate import evaluate
from spacy_bio_ner.evaluation.forecast import Forecast, expected_numbers
from spacy_bio_ner.util import InputError

from ..conftest import NOISY, TEXTS, gold_docs
from ..crf.enumeration import OPS, enumerate_sequences, make_potentials

REPEATED = 10 * NOISY


def bio_ner(*args):
    return CliRunner().invoke(app, ["bio-ner", *map(str, args)])


@pytest.fixture
def dev(trained, tmp_path):
    path = tmp_path / "dev.spacy"
    DocBin(docs=gold_docs(trained, NOISY)).to_disk(path)
    return path


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


def test_merged_judgements_are_those_of_all_corpora():
    first = Judgements(numpy.array([0.9, 0.5]), numpy.array([True, False]), numpy.array([0, 2]), 3)
    second = Judgements(numpy.array([0.7]), numpy.array([True]), numpy.array([0]), 1)
    probabilities, right, docs, n_gold = merge([first, second])
    assert probabilities.tolist() == [0.9, 0.5, 0.7] and right.tolist() == [True, False, True]
    assert docs.tolist() == [0, 2, 3] and n_gold == 4


def test_judgements_are_those_of_evaluate(trained):
    golds = gold_docs(trained, NOISY)
    judgements = judge(trained, golds)
    scores = evaluate(trained, golds)
    assert judgements.right.sum() == scores["ents_tp"] and (~judgements.right).sum() == scores["ents_fp"]
    assert judgements.n_gold == scores["ents_support"]
    confidences = [ent._.confidence for doc in trained.pipe(text for text, _ in NOISY) for ent in doc.ents]
    assert_allclose(judgements.probabilities, confidences, atol=1e-6)
    assert judgements.docs.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_predictions_on_missing_annotation_are_not_judged(trained):
    [gold] = gold_docs(trained, TEXTS[:1])
    gold.set_ents(gold.ents[:1], missing=[gold[3:5]])
    assert len(judge(trained, [gold]).right) == 1


def test_pipeline_without_the_component_is_refused(nlp):
    with pytest.raises(InputError, match="no component of the pipeline is a bio_ner.*it has none"):
        bio_ner_of(nlp)


def test_dial_equals_counting():
    judgements = Judgements(
        numpy.array([0.9, 0.5, 0.7, 0.7, 0.2]), numpy.array([True, True, True, False, False]), numpy.arange(5), 4
    )
    dial = turn(judgements)
    for threshold, precision, recall, *_ in zip(*dial):
        kept = judgements.probabilities >= threshold
        assert precision == pytest.approx(judgements.right[kept].mean())
        assert recall == pytest.approx(judgements.right[kept].sum() / 4)
    assert_allclose(dial.thresholds, [0.8, 0.6, 0.35, 0.1])
    assert (numpy.diff(dial.recall) >= 0).all()
    for name, values in (("precision", dial.sure_precision), ("recall", dial.sure_recall)):
        for wanted in (0.05, 0.2, 0.3, 0.4):
            point, enough = threshold_for(dial, **{name: wanted}), numpy.flatnonzero(values >= wanted)
            other = dial.recall if name == "precision" else dial.precision
            assert point is None if not len(enough) else point in enough
            assert point is None or other[point] == other[enough].max()
    assert threshold_for(dial, recall=0.8) is None


def test_lower_end_is_where_the_share_found_would_be_rare():
    """Were the true share the lower end, one as high as that found would have a probability of about 5 %."""
    for right, n in ((190, 200), (950, 1000), (60, 200)):
        low = lower_end(numpy.array(right / n), numpy.array(n))
        assert binom.sf(right - 1, n, low) == pytest.approx(0.05, abs=0.012)
    # All right: the bound is where n right ones in a row have that probability, about.
    assert lower_end(numpy.array(1.0), numpy.array(60)) == pytest.approx(0.05 ** (1 / 60), abs=0.01)


def test_recall_falls_with_the_threshold(trained):
    golds = gold_docs(trained, NOISY)
    found = []
    for threshold in (0.0, 0.5, 0.9, 0.99, 1.0):
        trained.get_pipe("bio_ner").cfg["threshold"] = threshold
        found.append(evaluate(trained, golds)["ents_r"])
    assert found == sorted(found, reverse=True) and found[0] > found[-1]


def test_forecast_equals_hand_made_sums(nlp):
    doc = Doc(nlp.vocab, words=["a", "b", "c", "d"])
    first, second = Span(doc, 0, 1, label="X"), Span(doc, 2, 4, label="Y")
    doc.ents = [first, second]
    write_confidences(doc, "bio_ner", [(first, 0.75, 0.1, True), (second, 0.5, 0.2, True)], {"X": 1.25, "Y": 0.75})
    sure = Doc(nlp.vocab, words=["a"])
    write_confidences(sure, "bio_ner", [], {"X": 0.25, "Y": 0.0})
    forecast = Forecast()
    for one in (doc, sure, Doc(nlp.vocab, words=["no", "numbers"])):
        forecast.add(one)
    scores = forecast.scores()
    assert (scores["ents_predicted"], scores["ents_right"], scores["ents_true"]) == (2, 1.25, 2.25)
    assert scores["ents_p"] == 0.625 and scores["ents_r"] == pytest.approx(1.25 / 2.25)
    assert scores["ents_f"] == pytest.approx(2 * 1.25 / 4.25)
    assert scores["ents_per_type"]["X"]["p"] == 0.75 and scores["ents_per_type"]["X"]["r"] == 0.5
    # 2 - 1.25 expected to be wrong and 2 - 1.25 to be missed in the first, 0.25 in the other.
    assert (scores["docs"], scores["doubtful"]) == (2, 0.5)
    assert set(forecast.scores(["Y"])["ents_per_type"]) == {"Y"}
    assert Forecast().scores() is None


def test_expected_numbers_are_written_only_while_asked_for(trained):
    with expected_numbers(trained):
        inside = trained("Aspirin and warfarin .")
    assert "expected" in inside.spans["bio_ner"].attrs
    assert "expected" not in trained("Aspirin and warfarin .").spans["bio_ner"].attrs


def test_evaluate_prints_the_forecast_beside_the_truth(model, dev, tmp_path):
    result = bio_ner("evaluate", model, dev, "--output", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    assert "forecast " in result.output and "bio-ner calibrate" in result.output
    scores = srsly.read_json(tmp_path / "scores.json")
    assert scores["forecast"]["ents_predicted"] == scores["ents_tp"] + scores["ents_fp"] == 9
    assert scores["forecast"]["ents_p"] > 0.9  # it has learned TEXTS by heart, and knows nothing of the noise
    assert scores["forecast"]["docs"] == len(NOISY)


def test_evaluate_forecasts_from_text_alone(trained, model, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(text for text, _ in TEXTS) + "\n\n", encoding="utf8")
    result = bio_ner("evaluate", model, texts, "--output", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert "doubtful" in result.output
    docs = [Doc(trained.vocab, words=[token.text for token in trained.make_doc(text)]) for text, _ in TEXTS]
    DocBin(docs=docs).to_disk(tmp_path / "texts.spacy")
    assert bio_ner("evaluate", model, tmp_path / "texts.spacy", "--output", tmp_path / "b.json").exit_code == 0
    a, b = (srsly.read_json(tmp_path / name)["forecast"] for name in ("a.json", "b.json"))
    assert a["docs"] == b["docs"] == len(TEXTS) and a["ents_predicted"] == b["ents_predicted"] == 7
    assert a["ents_right"] == pytest.approx(b["ents_right"], abs=1e-4)


def test_forecast_without_probabilities_is_refused(nlp, tmp_path):
    nlp.to_disk(tmp_path / "blank")
    texts = tmp_path / "texts.txt"
    texts.write_text("Asthma\n", encoding="utf8")
    result = bio_ner("evaluate", tmp_path / "blank", texts)
    assert result.exit_code == 1 and "no bio_ner in the pipeline" in result.output
    texts.write_bytes(b"Asthma\n\xff\n")
    result = bio_ner("evaluate", tmp_path / "blank", texts)
    assert result.exit_code == 1 and f"{texts}:2: byte 0xff" in result.output


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


def test_threshold_for_a_wanted_precision(model, dev, tmp_path):
    result = bio_ner("threshold", model, dev, "--precision", 1.0, "--output", tmp_path / "sure")
    if result.exit_code:
        assert "no threshold has so much precision" in result.output
    result = bio_ner("threshold", model, dev, "--recall", 0.2, "--output", tmp_path / "sure")
    assert result.exit_code == 0, result.output
    nlp = spacy.load(tmp_path / "sure")
    assert nlp.get_pipe("bio_ner").cfg["threshold"] > 0
    golds = gold_docs(nlp, NOISY)
    assert evaluate(nlp, golds)["ents_r"] >= 0.2
    result = bio_ner("threshold", model, dev, "--recall", 1.0)
    assert result.exit_code == 1 and "no threshold has so much recall" in result.output
    for options in ([], ["-p", 0.5, "-r", 0.5]):
        result = bio_ner("threshold", model, dev, *options)
        assert result.exit_code == 1 and "one of --precision and --recall" in result.output


def test_calibrate_refuses_what_it_cannot_change(tmp_path, dev, nlp):
    nlp.to_disk(tmp_path / "blank")
    result = bio_ner("calibrate", tmp_path / "blank", dev)
    assert result.exit_code == 1 and "no component of the pipeline is a bio_ner" in result.output


def test_what_is_in_the_way_of_the_output_is_not_removed(model, dev, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    options = ("threshold", model, dev, "--recall", 0.2, "--output")
    result = bio_ner(*options, tmp_path / "mine")
    assert result.exit_code == 1 and "exists and is no pipeline" in result.output
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep"
    for _ in range(2):  # a pipeline is replaced
        assert bio_ner(*options, tmp_path / "other").exit_code == 0
    (tmp_path / "other" / "letter.txt").write_text("keep")
    result = bio_ner(*options, tmp_path / "other")
    assert result.exit_code == 1 and "holds letter.txt, which is no part of the pipeline" in result.output
    (tmp_path / "other" / "letter.txt").unlink()
    assert spacy.load(tmp_path / "other").get_pipe("bio_ner").cfg["threshold"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.spacy", "mine", "model", "other"]
