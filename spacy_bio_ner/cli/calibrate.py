"""`bio-ner calibrate`: probabilities that hold."""

from pathlib import Path
from typing import Any, Dict, Optional

import srsly
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.calibration import (
    N_BINS,
    ScoredEntities,
    bio_ner_of,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability,
    score_corpus,
    scored_entities,
)
from ..evaluation.doc_results import predict_corpus
from ..evaluation.figures import reliability_diagram
from ._app import atomic_write, bio_ner_cli, clear_errors, load_pipeline
from ._saving import save_changed


@bio_ner_cli.command("calibrate")
def calibrate_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: a path, or with --output the name of an installed one"),
    dev: Path = Arg(..., help=".spacy file, or folder of shards, that the pipeline was not trained on"),
    output: Optional[Path] = Opt(
        None, "--output", "-o", help="Folder to save the calibrated pipeline to. By default it is MODEL itself"
    ),
    scores: Optional[Path] = Opt(None, "--scores", "-s", help="JSON file to write the figures to", dir_okay=False),
    diagram: Optional[Path] = Opt(
        None, "--diagram", "-d", help="PNG file to draw a reliability diagram to, before and after", dir_okay=False
    ),
    batch_size: Optional[int] = Opt(None, "--batch-size", "-b", min=1, help="Number of Docs to predict at a time"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Calibrate a pipeline's probabilities on a corpus it was not trained on.

    A trained model is surer than it is right. The one number that is fitted,
    a temperature that all scores are divided by, makes the annotation of the
    corpus most probable. It changes no entity, unless a threshold or
    expected_f decides by probabilities, and is saved with the pipeline.
    """
    with clear_errors("Nothing was written"):
        nlp = load_pipeline(model, gpu_id)
        component = bio_ner_of(nlp)
        golds = list(read_docs(dev, nlp.vocab))
        before = scored_entities(predict_corpus(nlp, golds, batch_size))
        old = component.cfg["temperature"]
        component.cfg["temperature"] = fit_temperature(component.model.ops, score_corpus(nlp, golds, batch_size))
        after = scored_entities(predict_corpus(nlp, golds, batch_size))
        figures = {"before": _figures(before, old), "after": _figures(after, component.cfg["temperature"])}
        msg.table(
            [
                (name, *(f"{row[key]:.4f}" for key in ("temperature", "ece", "brier", "confidence", "precision")))
                for name, row in figures.items()
            ],
            title="Calibration",
            header=("", "Temperature", "Calibration error", "Brier score", "Mean confidence", "Precision"),
            divider=True,
            aligns=("l", *"r" * 5),
        )
        msg.info(f"{len(after.right)} entities of {dev}; calibration error: {N_BINS} bins of equal size")
        if scores:
            with atomic_write(scores) as beside:
                srsly.write_json(beside, {"model": model, "corpus": str(dev), **figures})
        if diagram:
            with atomic_write(diagram) as beside:
                figure = reliability_diagram({"before": before, "after": after})
                figure.savefig(beside, format="png", dpi=150)
        save_changed(nlp, model, output)


def _figures(entities: ScoredEntities, temperature: float) -> Dict[str, Any]:
    probabilities, right, n_gold = entities
    return {
        "temperature": temperature,
        "ece": expected_calibration_error(probabilities, right),
        "brier": brier_score(probabilities, right),
        "confidence": float(probabilities.mean()),
        "precision": float(right.mean()),
        "recall": float(right.sum()) / n_gold if n_gold else None,
        "bins": reliability(probabilities, right).tolist(),
    }
