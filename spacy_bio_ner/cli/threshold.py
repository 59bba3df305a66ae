"""`bio-ner threshold`: the threshold for a wanted precision or recall, and what it costs."""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.calibration import ScoredEntities, bio_ner_of, scored_entities
from ..evaluation.counts import prf
from ..evaluation.doc_results import bio_ners, predict_corpus
from ..evaluation.precision_recall import lower_bound, precision_recall_curve, threshold_for
from ..util import InputError
from ._app import bio_ner_cli, clear_errors, load_pipeline
from ._saving import save_changed


@bio_ner_cli.command("threshold")
def threshold_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: a path, or the name of an installed one"),
    dev: Path = Arg(..., help=".spacy file, or folder of shards, that the pipeline was not trained on"),
    precision: Optional[float] = Opt(None, "--precision", "-p", min=0, max=1, help="Precision wanted, 0 to 1"),
    recall: Optional[float] = Opt(None, "--recall", "-r", min=0, max=1, help="Recall wanted, 0 to 1"),
    per_label: bool = Opt(
        False,
        "--per-label",
        help="Find a threshold for each label. A label with too few entities to be sure takes the threshold of all",
    ),
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
        bio_ner_of(nlp)
        results = predict_corpus(nlp, list(read_docs(dev, nlp.vocab)), batch_size)
        entities, groups = scored_entities(results), {}
        if per_label:
            labels = sorted({label for component in bio_ners(nlp) for label in component.labels})
            groups = {label: scored_entities(results, label) for label in labels}
        thresholds, unsure = _find(groups or {"all": entities}, entities, precision, recall)
        rows = [("all", "none", *_scores([(entities, 0.0)], entities.n_gold))]
        for name, group in groups.items():
            rows.append((name, f"{thresholds[name]:.4f}", *_scores([(group, thresholds[name])], group.n_gold)))
        parts = [(group, thresholds[name]) for name, group in groups.items()] or [(entities, thresholds["all"])]
        shown = "by label" if per_label else f"{thresholds['all']:.4f}"
        rows.append(("all", shown, *_scores(parts, entities.n_gold)))
        header = ("", "Threshold", "P", "at least", "R", "at least", "F")
        msg.table(rows, title="Threshold", header=header, divider=True, aligns=("l", *"r" * 6))
        msg.info(f"'At least' holds with a probability of 95 %, for texts such as those of {dev}")
        if unsure:
            msg.warn(f"Too few entities to be sure, so that they take the threshold of all: {', '.join(unsure)}")
        if output:
            for component in bio_ners(nlp):
                component.cfg["threshold"] = thresholds if per_label else thresholds["all"]
            save_changed(nlp, model, output)


def _find(
    groups: Dict[str, ScoredEntities], entities: ScoredEntities, precision: Optional[float], recall: Optional[float]
) -> Tuple[Dict[str, float], List[str]]:
    """RETURNS (Tuple[Dict[str, float], List[str]]): The threshold of each group, and the groups that take that of all
    entities.
    RAISES (InputError): If there is none.
    """
    curve = precision_recall_curve(entities)
    of_all = threshold_for(curve, precision, recall)
    thresholds, unsure = {}, []
    for name, group in groups.items():
        threshold = threshold_for(precision_recall_curve(group), precision, recall)
        if threshold is None:
            unsure.append(name)
            threshold = of_all
        if threshold is None:
            wanted, bounds = ("precision", curve.precision_bound) if recall is None else ("recall", curve.recall_bound)
            raise InputError(
                f"no threshold has so much {wanted} with a probability of 95 % on this corpus: the most is "
                f"{bounds.max():.4f}"
            )
        thresholds[name] = threshold
    return thresholds, unsure


def _scores(parts: List[Tuple[ScoredEntities, float]], n_gold: int) -> List[str]:
    """RETURNS (List[str]): Precision, recall and F of entities that are at least so probable, with bounds."""
    kept = numpy.concatenate([entities.right[entities.probabilities >= threshold] for entities, threshold in parts])
    p, r, f = prf(numpy.array([kept.sum(), (~kept).sum(), n_gold - kept.sum()]))
    values = (p, lower_bound(p, max(len(kept), 1)), r, lower_bound(r, max(n_gold, 1)), f)
    return [f"{100 * value:.2f}" for value in values]
