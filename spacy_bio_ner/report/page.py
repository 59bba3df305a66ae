"""The page of a report: one HTML file that needs no other, with everything in it escaped."""

import math
from datetime import date
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup, escape
from spacy import displacy

from ..evaluation.doc_results import DocResult
from ..evaluation.figures import data_uri, learning_curve, precision_recall_plot, reliability_diagram
from ..evaluation.outcomes import MISSED, OUTCOMES, RIGHT, SPURIOUS, pair
from ..evaluation.precision_recall import precision_recall_curve
from .content import Example, Trust, confusion_matrix, find_comparison, find_trust, most_frequent, outcome_counts
from .html import make_environment

PREDICTED, GOLD = "#f3c98b", "#a9d3cf"
# displaCy's markup, in pieces that the page's own style sheet sets: labels under the words, spans above one another.
DISPLACY = {
    "top_offset": 21,
    "top_offset_step": 16,
    "span_label_offset": 17,
    "template": {
        "span": '<span class="token" style="height: {total_height}px">{text}{span_slices}{span_starts}</span>',
        "slice": '<span class="slice" style="background: {bg}; top: {top_offset}px"></span>',
        "start": '<span class="label" style="background: {bg}; top: {top_offset}px">{label}{kb_link}</span>',
    },
}


class Subject(NamedTuple):
    """What a report is about.

    results (Sequence[DocResult]): The results of the pipeline.
    scores (Dict[str, Any]): Their scores.
    card (Dict[str, Any]): The facts about the pipeline.
    config (str): The pipeline's config.
    corpus (Dict[str, Any]): Its "name" and the "facts" about it.
    ledger (Optional[Dict[str, Any]]): The corpus's ledger.
    train (Optional[str]): The corpus by which seen and unseen mentions were told apart.
    other (Optional[str]): The pipeline to compare with.
    other_results (Sequence[DocResult]): Its results.
    curve (List[Tuple[int, float, Tuple[float, float]]]): For each pipeline of a learning curve the number of Docs it
        was trained on, its F-score, and the interval of that.
    """

    results: Sequence[DocResult]
    scores: Dict[str, Any]
    card: Dict[str, Any]
    config: str
    corpus: Dict[str, Any]
    ledger: Optional[Dict[str, Any]]
    train: Optional[str] = None
    other: Optional[str] = None
    other_results: Sequence[DocResult] = ()
    curve: Sequence[Tuple[int, float, Tuple[float, float]]] = ()


def render(subject: Subject) -> str:
    """Set a report.

    subject (Subject): What it is about.
    RETURNS (str): The page, HTML.
    RAISES (InputError): If matplotlib is not installed.
    """
    outcomes, of_other = (
        [pair(result.mentions, result.entities) for result in results]
        for results in (subject.results, subject.other_results)
    )
    trust = find_trust(subject.results, outcomes)
    comparison = None
    if subject.other:
        comparison = find_comparison(subject.results, subject.other_results, (outcomes, of_other))
    environment = make_environment(__package__, percent=_percent, context=_context)
    return environment.get_template("report.html").render(
        subject=subject,
        scores=subject.scores,
        outcomes=OUTCOMES,
        outcome_counts=outcome_counts(outcomes),
        confusion=confusion_matrix(outcomes),
        frequent={kind: most_frequent(outcomes, kind) for kind in (MISSED, SPURIOUS)},
        trust=trust,
        comparison=comparison,
        figures=_figures(trust, subject),
        axis=_axis(subject.scores["interval"]),
        colors={"predicted": PREDICTED, "gold": GOLD},
        today=date.today().isoformat(),
    )


def _figures(trust: Optional[Trust], subject: Subject) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The figures, as addresses of images that hold them."""
    figures = {}
    if trust:
        figures["reliability"] = data_uri(reliability_diagram({"": trust.entities}))
        own = (subject.scores["ents_r"], subject.scores["ents_p"]) if trust.has_own else None
        figures["precision_recall"] = data_uri(precision_recall_plot(precision_recall_curve(trust.entities), own))
    if subject.curve:
        figures["learning_curve"] = data_uri(learning_curve(subject.curve))
    return figures


def _axis(intervals: Dict[str, Any]) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): Where the axis of F begins, at the tenth below all intervals, and its end at 1."""
    lows = [low for low, _ in (intervals["ents_f"], *(row["f"] for row in intervals["ents_per_type"].values()))]
    return min(math.floor(min(lows) * 10) / 10, 0.9), 1.0


def _percent(value: Optional[float]) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def _context(example: Example) -> Markup:
    """RETURNS (Markup): A piece of text with the prediction and the gold mention in it."""
    outcome, probability, context = example
    names = []
    if outcome.predicted:
        sure = "" if probability is None else f" {probability:.2f}"
        names.append((f"{outcome.predicted.label}{sure}", PREDICTED))
    if outcome.gold and outcome.kind != RIGHT:
        names.append((f"gold {outcome.gold.label}", GOLD))
    # displaCy escapes words, but not labels.
    labels = [str(escape(name)) for name, _ in names]
    spans: List[Dict[str, Any]] = [
        {"start_token": start, "end_token": end, "label": label} for (start, end), label in zip(context.spans, labels)
    ]
    colors = {label: color for label, (_, color) in zip(labels, names)}
    text = {"text": "".join(context.tokens), "tokens": context.tokens, "spans": spans}
    options = {**DISPLACY, "colors": colors}
    html = displacy.render(text, style="span", manual=True, jupyter=False, options=options)
    return escape(context.before) + Markup(html.strip()) + escape(context.after)
