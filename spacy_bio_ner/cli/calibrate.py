"""`bio-ner calibrate`: probabilities that hold, and `bio-ner threshold`: what being surer costs."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.calibration import (
    N_BINS,
    Judgements,
    bio_ner_of,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    judge,
    reliability,
    score_corpus,
)
from ..evaluation.curve import threshold_for, turn
from ..evaluation.figures import reliability_diagram
from ..serialization import save_settings
from ..util import InputError
from ._app import atomic_write, bio_ner_cli, clear_errors, load_pipeline


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
        before = judge(nlp, golds, batch_size)
        old = component.cfg["temperature"]
        component.cfg["temperature"] = fit_temperature(component.model.ops, score_corpus(nlp, golds, batch_size))
        after = judge(nlp, golds, batch_size)
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
        _save(nlp, model, output)


@bio_ner_cli.command("threshold")
def threshold_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: a path, or the name of an installed one"),
    dev: Path = Arg(..., help=".spacy file, or folder of shards, that the pipeline was not trained on"),
    precision: Optional[float] = Opt(None, "--precision", "-p", min=0, max=1, help="Precision wanted, 0 to 1"),
    recall: Optional[float] = Opt(None, "--recall", "-r", min=0, max=1, help="Recall wanted, 0 to 1"),
    output: Optional[Path] = Opt(None, "--output", "-o", help="Folder to save the pipeline with that threshold to"),
    batch_size: Optional[int] = Opt(None, "--batch-size", "-b", min=1, help="Number of Docs to predict at a time"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Name the threshold for a wanted precision or recall, and what it costs.

    Entities less probable than the threshold are left out. Of all thresholds
    whose precision is as high as wanted, with a probability of 95 %, the one
    with the highest recall is named, and the other way round.
    """
    with clear_errors("Nothing was written"):
        if (precision is None) == (recall is None):
            raise InputError("expected one of --precision and --recall")
        nlp = load_pipeline(model, gpu_id)
        component = bio_ner_of(nlp)
        dial = turn(judge(nlp, list(read_docs(dev, nlp.vocab)), batch_size))
        point = threshold_for(dial, precision, recall)
        if point is None:
            name, best = ("precision", dial.sure_precision) if recall is None else ("recall", dial.sure_recall)
            raise InputError(
                f"no threshold has so much {name} with a probability of 95 % on {dev}: the most is {best.max():.4f}"
            )
        rows: List[Any] = []
        for name, i in (("none", len(dial.thresholds) - 1), (f"{dial.thresholds[point]:.4f}", point)):
            p, r = dial.precision[i], dial.recall[i]
            f = 2 * p * r / (p + r) if p + r else 0.0
            values = (p, dial.sure_precision[i], r, dial.sure_recall[i], f)
            rows.append((name, *(f"{100 * value:.2f}" for value in values)))
        header = ("", "P", "at least", "R", "at least", "F")
        msg.table(rows, title="Threshold", header=header, divider=True, aligns=("l", *"r" * 5))
        msg.info(f"'At least' holds with a probability of 95 %, for texts such as those of {dev}")
        if output:
            component.cfg["threshold"] = float(dial.thresholds[point])
            _save(nlp, model, output)


def _figures(judgements: Judgements, temperature: float) -> Dict[str, Any]:
    probabilities, right, _, n_gold = judgements
    return {
        "temperature": temperature,
        "ece": expected_calibration_error(probabilities, right),
        "brier": brier_score(probabilities, right),
        "confidence": float(probabilities.mean()),
        "precision": float(right.mean()),
        "recall": float(right.sum()) / n_gold if n_gold else None,
        "bins": reliability(probabilities, right).tolist(),
    }


def _save(nlp: Language, model: str, output: Optional[Path]) -> None:
    """Save a pipeline whose settings have changed: all of it to another folder, or the settings to its own."""
    component = bio_ner_of(nlp)
    if output is None:
        if not (Path(model) / component.name / "cfg").is_file():
            raise InputError(f"{model}: not a folder with a pipeline, which could be changed: give --output")
        save_settings(Path(model), component.name, component.cfg)
    else:
        _check_output(output)
        with atomic_write(output) as beside:
            nlp.to_disk(beside)
            save_settings(beside, component.name, component.cfg)
    msg.good(f"Saved the pipeline to {output or model}")


def _check_output(output: Path) -> None:
    """Refuse to save a pipeline in the place of anything else. A folder is replaced as a whole, with all in it.

    output (Path): The folder to save to.
    RAISES (InputError): If it is there and is not a pipeline's, or holds something that is none of the pipeline's.
    """
    if not output.exists():
        return
    if not (output / "config.cfg").is_file():
        raise InputError(f"{output}: exists and is no pipeline: give a folder that is new, or a pipeline's")
    components = Config().from_disk(output / "config.cfg", interpolate=False).get("components", {})
    own = {"config.cfg", "meta.json", "tokenizer", "vocab", *components}
    others = sorted(path.name for path in output.iterdir() if path.name not in own)
    if others:
        raise InputError(
            f"{output}: holds {others[0]}, which is no part of the pipeline there: give a folder that is new"
        )
