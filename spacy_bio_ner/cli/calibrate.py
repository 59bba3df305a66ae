"""`bio-ner calibrate`: probabilities that hold, and `bio-ner threshold`: what being surer costs."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.calibration import (
    MIN_MENTIONS,
    N_BINS,
    Judgements,
    bio_ner_of,
    brier_score,
    error_by_chance,
    expected_calibration_error,
    fit_temperature,
    judge,
    merge,
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
    corpus most probable. It changes no entity, unless a threshold or
    expected_f decides by probabilities, and is saved with the pipeline. Where
    a corpus has few mentions it stays near 1, or where it was.
    """
    with clear_errors("Nothing was written"):
        nlp = load_pipeline(model, gpu_id)
        component = bio_ner_of(nlp)
        old = component.cfg["temperature"]
        parts = _held_out(nlp, dev, gpu_id)
        before = _judge(parts, old, batch_size)
        temperature, after = old, before
        if before.n_gold >= MIN_MENTIONS:
            scored = [batch for part, golds in parts for batch in score_corpus(part, golds, batch_size)]
            temperature = fit_temperature(component.model.ops, scored)
            after = _judge(parts, temperature, batch_size)
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


def _held_out(nlp: Language, dev: Path, gpu_id: int) -> List[Tuple[Language, List[Doc]]]:
    """RETURNS (List[Tuple[Language, List[Doc]]]): Gold Docs, with the pipeline that has not seen them: the one that is
    calibrated, or those of a cross-validation."""
    parts = sorted(path.parent for path in dev.glob("*/held-out.spacy"))
    if not parts:
        return [(nlp, list(read_docs(dev, nlp.vocab)))]
    pipelines = [load_pipeline(str(part / "model-best"), gpu_id) for part in parts]
    return [(nlp, list(read_docs(part / "held-out.spacy", nlp.vocab))) for nlp, part in zip(pipelines, parts)]


def _judge(parts: List[Tuple[Language, List[Doc]]], temperature: float, batch_size: Optional[int]) -> Judgements:
    for nlp, _ in parts:
        bio_ner_of(nlp).cfg["temperature"] = temperature
    return merge([judge(nlp, golds, batch_size) for nlp, golds in parts])


def _figures(judgements: Judgements, temperature: float) -> Dict[str, Any]:
    probabilities, right, _, n_gold = judgements
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
