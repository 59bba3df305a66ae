"""The page of a report: one HTML file that needs no other, with everything in it escaped."""

import math
from datetime import date
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup, escape
from spacy import displacy

from ..evaluation.figures import data_uri, learning_curve, precision_recall_curve, reliability_diagram
from ..evaluation.outcomes import MISSED, OUTCOMES, RIGHT, SPURIOUS
from .findings import Example, Trust, confusion_matrix, find_comparison, find_trust, most_frequent, outcome_counts
from .html import make_environment
from .run import Run

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

    run (Run): The results of the pipeline.
    card (Dict[str, Any]): The facts about the pipeline.
    config (str): The pipeline's config.
    corpus (Dict[str, Any]): Its "name" and the "facts" about it.
    ledger (Optional[Dict[str, Any]]): The corpus's ledger.
    train (Optional[str]): The corpus by which seen and unseen mentions were told apart.
    other (Optional[str]): The pipeline to compare with.
    other_run (Optional[Run]): Its results.
    curve (List[Tuple[int, float, Tuple[float, float]]]): For each pipeline of a learning curve the number of Docs it
        was trained on, its F-score, and the interval of that.
    """

    run: Run
    card: Dict[str, Any]
    config: str
    corpus: Dict[str, Any]
    ledger: Optional[Dict[str, Any]]
    train: Optional[str] = None
    other: Optional[str] = None
    other_run: Optional[Run] = None
    curve: Sequence[Tuple[int, float, Tuple[float, float]]] = ()


def render(subject: Subject) -> str:
    """Set a report.

    subject (Subject): What it is about.
    RETURNS (str): The page, HTML.
    RAISES (InputError): If matplotlib is not installed.
    """
    outcomes = subject.run.outcomes()
    trust = find_trust(subject.run, outcomes)
    environment = make_environment(__package__, percent=_percent, context=_context)
    return environment.get_template("report.html").render(
        subject=subject,
        scores=subject.run.scores,
        outcomes=OUTCOMES,
        outcome_counts=outcome_counts(outcomes),
        confusion=confusion_matrix(outcomes),
        frequent={kind: most_frequent(outcomes, kind) for kind in (MISSED, SPURIOUS)},
        trust=trust,
        comparison=find_comparison(subject.run, subject.other_run) if subject.other_run else None,
        figures=_figures(trust, subject),
        axis=_axis(subject.run.scores["interval"]),
        colors={"predicted": PREDICTED, "gold": GOLD},
        today=date.today().isoformat(),
    )


def _figures(trust: Optional[Trust], subject: Subject) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The figures, as addresses of images that hold them."""
    figures = {}
    if trust:
        figures["reliability"] = data_uri(reliability_diagram({"": trust.judgements}))
        figures["precision_recall"] = data_uri(precision_recall_curve(trust.dial))
    if subject.curve:
        figures["learning_curve"] = data_uri(learning_curve(subject.curve))
    return figures


def _axis(intervals: Dict[str, Any]) -> Tuple[float, float]:
    """RETURNS (Tuple[float, float]): Tenths between which all intervals of F lie."""
    ends = [intervals["ents_f"], *(row["f"] for row in intervals["ents_per_type"].values())]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return math.floor(low * 10) / 10, max(math.ceil(high * 10), math.floor(low * 10) + 1) / 10


def _percent(value: Optional[float]) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def _context(example: Example) -> Markup:
    """RETURNS (Markup): A piece of text with the prediction and the gold mention in it."""
    outcome, confidence, context = example
    names = []
    if outcome.predicted:
        sure = "" if confidence is None else f" {confidence:.2f}"
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
