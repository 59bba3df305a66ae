"""Forecasts: hand-made sums, and what `evaluate` prints and writes of them."""

import pytest
import srsly
from spacy.tokens import Doc, DocBin

from spacy_bio_ner.evaluation.counts import TextSpan
from spacy_bio_ner.evaluation.doc_results import DocResult, Prediction, of_labels
from spacy_bio_ner.evaluation.forecast import forecast

from ..conftest import NOISY, TEXTS
from .conftest import bio_ner

BILSTM = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)


def result(nlp, expected, **probabilities):
    """A result with an entity for each label."""
    found = {
        TextSpan(i, i + 1, label, "x"): Prediction(p, True, True) for i, (label, p) in enumerate(probabilities.items())
    }
    return DocResult(Doc(nlp.vocab), Doc(nlp.vocab), set(), found, expected)


def test_forecast_equals_hand_made_sums(nlp):
    results = [
        result(nlp, {"X": 1.25, "Y": 0.75}, X=0.75, Y=0.5, RULE=None),
        result(nlp, {"X": 0.25, "Y": 0.0}),
        result(nlp, None, X=0.1),
    ]
    # Neither what a threshold leaves out nor missing annotation makes a difference.
    results[0].predictions[TextSpan(9, 10, "X", "x")] = Prediction(0.5, False, True)
    results[0].predictions[TextSpan(1, 2, "Y", "x")] = Prediction(0.5, True, False)
    scores = forecast(results)
    assert (scores["ents_predicted"], scores["ents_right"], scores["ents_true"]) == (2, 1.25, 2.25)
    assert scores["ents_p"] == 0.625 and scores["ents_r"] == pytest.approx(1.25 / 2.25)
    assert scores["ents_f"] == pytest.approx(2 * 1.25 / 4.25)
    assert scores["ents_per_type"]["X"]["p"] == 0.75 and scores["ents_per_type"]["X"]["r"] == 0.5
    # 2 - 1.25 expected to be wrong and 2 - 1.25 to be missed in the first, 0.25 in the other.
    assert (scores["docs"], scores["doubtful"]) == (2, 0.5)
    assert set(forecast(of_labels(results, {"Y"}))["ents_per_type"]) == {"Y"}
    assert forecast([]) is forecast(results[2:]) is None


@BILSTM
def test_evaluate_prints_the_forecast_beside_the_truth(model, dev, tmp_path):
    result = bio_ner("evaluate", model, dev, "--output", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    assert "forecast " in result.output and "bio-ner calibrate" in result.output
    scores = srsly.read_json(tmp_path / "scores.json")
    assert scores["forecast"]["ents_predicted"] == scores["ents_tp"] + scores["ents_fp"] == 9
    assert scores["forecast"]["ents_p"] > 0.9  # it has learned TEXTS by heart, and knows nothing of the noise
    assert scores["forecast"]["docs"] == len(NOISY)


@BILSTM
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
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DIS", "pattern": "Asthma"}])
    nlp.to_disk(tmp_path / "ruler")
    texts = tmp_path / "texts.txt"
    texts.write_text("Asthma\n", encoding="utf8")
    result = bio_ner("evaluate", tmp_path / "ruler", texts)
    assert result.exit_code == 1 and "no bio_ner in the pipeline" in result.output
    texts.write_bytes(b"Asthma\n\xff\n")
    result = bio_ner("evaluate", tmp_path / "ruler", texts)
    assert result.exit_code == 1 and f"{texts}:2: byte 0xff" in result.output
