"""The curve of precision and recall and its thresholds: against counting, scikit-learn, and the pipeline itself."""

import re

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import binom
from sklearn import metrics
from spacy.util import load_config

from spacy_bio_ner.evaluation.calibration import ScoredEntities, scored_entities
from spacy_bio_ner.evaluation.doc_results import predict_corpus
from spacy_bio_ner.evaluation.precision_recall import lower_bound, precision_recall_curve, threshold_for
from spacy_bio_ner.evaluation.scores import evaluate

from ..conftest import NOISY, gold_docs
from .conftest import bio_ner

BILSTM = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)


def test_curve_by_hand():
    right = numpy.array([True, True, True, False, False])
    curve = precision_recall_curve(ScoredEntities(numpy.array([0.9, 0.5, 0.7, 0.7, 0.2]), right, 4))
    assert_allclose(curve.thresholds, [0.8, 0.6, 0.35, 0.1])
    assert_allclose(curve.precision, [1, 2 / 3, 3 / 4, 3 / 5])
    assert_allclose(curve.recall, [1 / 4, 2 / 4, 3 / 4, 3 / 4])
    nothing = precision_recall_curve(ScoredEntities(numpy.array([]), numpy.array([], dtype=bool), 3))
    assert not len(nothing.thresholds) and threshold_for(nothing, recall=0.0) is None


entities = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.75, 1.0]), st.booleans()), min_size=1, max_size=40)


@pytest.mark.filterwarnings("ignore:No positive class")
@given(entities, st.integers(0, 5), st.floats(0, 1))
def test_curve_equals_scikit_learns_and_thresholds_reach_what_is_wanted(found, n_missed, wanted):
    probabilities, right = map(numpy.array, zip(*found))
    n_gold = int(right.sum()) + n_missed
    curve = precision_recall_curve(ScoredEntities(probabilities, right, n_gold))
    precision, recall, thresholds = metrics.precision_recall_curve(right, probabilities, drop_intermediate=False)
    assert_allclose(curve.precision, precision[:-1][::-1])
    if right.any():
        assert_allclose(curve.recall, recall[:-1][::-1] * right.sum() / n_gold)
    # Each threshold lies between two probabilities.
    assert (curve.thresholds <= thresholds[::-1]).all() and (curve.thresholds[:-1] > thresholds[::-1][1:]).all()
    for name in ("precision", "recall"):
        threshold, bounds = threshold_for(curve, **{name: wanted}), getattr(curve, f"{name}_bound")
        if threshold is None:
            assert (bounds < wanted).all()
            continue
        other = curve.recall if name == "precision" else curve.precision
        [point] = numpy.flatnonzero(curve.thresholds == threshold)
        assert bounds[point] >= wanted and other[point] == other[bounds >= wanted].max()


def test_bound_is_where_the_share_found_would_be_rare():
    """Were the true share the lower bound, one as high as that found would have a probability of about 5 %."""
    for right, n in ((190, 200), (950, 1000), (60, 200)):
        low = lower_bound(numpy.array(right / n), n)
        assert binom.sf(right - 1, n, low) == pytest.approx(0.05, abs=0.012)
    # All right: the bound is where n right ones in a row have that probability, about.
    assert lower_bound(numpy.array(1.0), 60) == pytest.approx(0.05 ** (1 / 60), abs=0.01)


@BILSTM
def test_points_of_the_curve_are_what_the_thresholds_give(trained):
    golds = gold_docs(trained, NOISY)
    curve = precision_recall_curve(scored_entities(predict_corpus(trained, golds)))
    for threshold, precision, recall, *_ in zip(*curve):
        trained.get_pipe("bio_ner").cfg["threshold"] = float(threshold)
        scores = evaluate(trained, golds)
        assert (scores["ents_p"], scores["ents_r"]) == pytest.approx((precision, recall))


def row(result, label, threshold=r"[01]\.\d+"):
    """The numbers of a row of the table that is printed: P, at least, R, at least, F."""
    found = re.search(rf"^{label} +{threshold}((?: +[\d.]+){{5}})$", result.output, re.M)
    assert found, result.output
    return [float(value) / 100 for value in found[1].split()]


def test_threshold_for_a_wanted_recall(model, dev, tmp_path):
    result = bio_ner("threshold", model, dev, "--recall", 0.2, "--output", tmp_path / "sure")
    assert result.exit_code == 0, result.output
    nlp = spacy.load(tmp_path / "sure")
    threshold = nlp.get_pipe("bio_ner").cfg["threshold"]
    scores = evaluate(nlp, gold_docs(nlp, NOISY))
    precision, _, recall, at_least, f = row(result, "all")
    assert threshold > 0 and at_least >= 0.2
    assert (precision, recall, f) == pytest.approx([scores[f"ents_{name}"] for name in "prf"], abs=1e-4)
    result = bio_ner("threshold", model, dev, "--recall", 1.0)
    assert result.exit_code == 1 and "no threshold has so much recall" in result.output


@BILSTM
def test_thresholds_by_label(trained, model, dev, tmp_path):
    options = ("threshold", model, dev, "--per-label", "--output", tmp_path / "sure")
    result = bio_ner(*options, "--recall", 0.2)
    assert result.exit_code == 0 and "Too few" not in result.output, result.output
    nlp = spacy.load(tmp_path / "sure")
    thresholds = nlp.get_pipe("bio_ner").cfg["threshold"]
    results = predict_corpus(trained, gold_docs(trained, NOISY))
    by_label = {label: precision_recall_curve(scored_entities(results, label)) for label in ("CHEM", "DIS")}
    expected = {label: threshold_for(curve, recall=0.2) for label, curve in by_label.items()}
    assert thresholds == pytest.approx(expected) and thresholds["CHEM"] != thresholds["DIS"]
    assert load_config(tmp_path / "sure" / "config.cfg")["components"]["bio_ner"]["threshold"] == thresholds
    scores = evaluate(nlp, gold_docs(nlp, NOISY))
    for label in thresholds:
        precision, _, recall, _, f = row(result, label)
        assert (precision, recall, f) == pytest.approx(
            [scores["ents_per_type"][label][name] for name in "prf"], abs=1e-4
        )
    precision, _, recall, _, f = row(result, "all", "by label")
    assert (precision, recall, f) == pytest.approx([scores[f"ents_{name}"] for name in "prf"], abs=1e-4)

    # What all entities reach and those of one label do not.
    of_all = precision_recall_curve(scored_entities(results))
    wanted = of_all.recall_bound.max()
    unsure = [label for label, curve in by_label.items() if curve.recall_bound.max() < wanted]
    result = bio_ner(*options, "--recall", wanted)
    assert result.exit_code == 0 and f"threshold of all: {', '.join(unsure)}" in " ".join(result.output.split())
    thresholds = spacy.load(tmp_path / "sure").get_pipe("bio_ner").cfg["threshold"]
    assert unsure and all(thresholds[label] == pytest.approx(threshold_for(of_all, recall=wanted)) for label in unsure)


@BILSTM
def test_what_threshold_refuses(model, dev, nlp, tmp_path):
    for options in ([], ["-p", 0.5, "-r", 0.5]):
        result = bio_ner("threshold", model, dev, *options)
        assert result.exit_code == 1 and "one of --precision and --recall" in result.output
    for options in (["-p", 1.0], ["-p", 1.0, "--per-label"]):
        result = bio_ner("threshold", model, dev, *options)
        assert result.exit_code == 1 and "no threshold has so much precision" in result.output
    nlp.to_disk(tmp_path / "blank")
    result = bio_ner("threshold", tmp_path / "blank", dev, "-r", 0.5)
    assert result.exit_code == 1 and "no component of the pipeline is a bio_ner" in result.output


@BILSTM
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
