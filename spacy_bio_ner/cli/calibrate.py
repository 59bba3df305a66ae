"""`bio-ner calibrate`: probabilities that hold."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.calibration import (
    MIN_MENTIONS,
    N_BINS,
    ScoredEntities,
    bio_ner_of,
    brier_score,
    error_by_chance,
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
    dev: Path = Arg(
        ...,
        help=".spacy file, or folder of shards, that the pipeline was not trained on; or a folder of pipelines, each "
        "beside its part of a cross-validation (*/model-best and */held-out.spacy)",
    ),
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
    corpus most probable. It changes no entity, unless a threshold decides by
    probabilities, and is saved with the pipeline. Where a corpus has few
    mentions it stays near 1, or where it was.
    """
    with clear_errors("Nothing was written"):
        nlp = load_pipeline(model, gpu_id)
        component = bio_ner_of(nlp)
        old = component.cfg["temperature"]
        parts = _held_out(nlp, dev, gpu_id)
        before = _score(parts, old, batch_size)
        temperature, after = old, before
        if before.n_gold >= MIN_MENTIONS:
            scored = [batch for part, golds in parts for batch in score_corpus(part, golds, batch_size)]
            temperature = fit_temperature(component.model.ops, scored)
            after = _score(parts, temperature, batch_size)
        component.cfg["temperature"] = temperature
        figures = {"before": _figures(before, old), "after": _figures(after, temperature)}
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
        low, high = figures["after"]["ece_by_chance"]
        msg.info(f"{len(after.right)} entities and {after.n_gold} gold mentions of {dev}")
        msg.info(
            f"Calibration error: {N_BINS} bins of equal size. With probabilities that hold exactly it would be "
            f"{low:.4f} to {high:.4f} by chance, on so many entities"
        )
        if before.n_gold < MIN_MENTIONS:
            msg.warn(
                f"The temperature stays {old:g}: {before.n_gold} mentions are too few, it takes {MIN_MENTIONS}. "
                "Annotate more, or use all there are by cross-validation (the project's variable folds)"
            )
        if scores:
            with atomic_write(scores) as beside:
                srsly.write_json(beside, {"model": model, "corpus": str(dev), **figures})
        if diagram:
            with atomic_write(diagram) as beside:
                figure = reliability_diagram({"before": before, "after": after})
                figure.savefig(beside, format="png", dpi=150)
        save_changed(nlp, model, output)


def _held_out(nlp: Language, dev: Path, gpu_id: int) -> List[Tuple[Language, List[Doc]]]:
    """RETURNS (List[Tuple[Language, List[Doc]]]): Gold Docs, with the pipeline that has not seen them: the one that is
    calibrated, or those of a cross-validation."""
    parts = sorted(path.parent for path in dev.glob("*/held-out.spacy"))
    if not parts:
        return [(nlp, list(read_docs(dev, nlp.vocab)))]
    pipelines = [load_pipeline(str(part / "model-best"), gpu_id) for part in parts]
    return [(nlp, list(read_docs(part / "held-out.spacy", nlp.vocab))) for nlp, part in zip(pipelines, parts)]


def _score(parts: List[Tuple[Language, List[Doc]]], temperature: float, batch_size: Optional[int]) -> ScoredEntities:
    for nlp, _ in parts:
        bio_ner_of(nlp).cfg["temperature"] = temperature
    return scored_entities([result for nlp, golds in parts for result in predict_corpus(nlp, golds, batch_size)])


def _figures(entities: ScoredEntities, temperature: float) -> Dict[str, Any]:
    probabilities, right, n_gold = entities
    return {
        "temperature": temperature,
        "ece": expected_calibration_error(probabilities, right),
        "ece_by_chance": error_by_chance(probabilities),
        "mentions": n_gold,
        "brier": brier_score(probabilities, right),
        "confidence": float(probabilities.mean()),
        "precision": float(right.mean()),
        "recall": float(right.sum()) / n_gold if n_gold else None,
        "bins": reliability(probabilities, right).tolist(),
    }
