"""The numbers and examples of a report: gathered here, set on a page in page.py."""

from collections import Counter
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy

from ..evaluation.calibration import Judgements, brier_score, expected_calibration_error
from ..evaluation.comparison import compare, gained
from ..evaluation.curve import Dial, turn
from ..evaluation.evaluate import bootstrap_units
from ..evaluation.outcomes import OUTCOMES, RIGHT, Outcome, confusion
from ..evaluation.scoring import TextSpan, prf
from .contexts import Context, context
from .run import DocResult, Run

N_EXAMPLES = 10
N_FREQUENT = 8
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


class Example(NamedTuple):
    """An entity to look at.

    outcome (Outcome): The mention and the prediction.
    confidence (Optional[float]): The confidence of the prediction.
    context (Context): The text around it, with the spans of the prediction and of the mention, as far as there are.
    """

    outcome: Outcome
    confidence: Optional[float]
    context: Context


class Trust(NamedTuple):
    """How far a pipeline's probabilities can be trusted, and what they tell.

    judgements (Judgements): The entities, right and wrong.
    dial (Dial): Precision and recall over the threshold.
    figures (Dict[str, float]): Calibration error, Brier score, mean confidence and precision.
    thresholds (List[Dict[str, float]]): Precision, recall and F at some thresholds.
    mistakes (List[Example]): The most confident of the wrong entities.
    doubtful (List[Example]): The least confident of the right ones.
    """

    judgements: Judgements
    dial: Dial
    figures: Dict[str, float]
    thresholds: List[Dict[str, float]]
    mistakes: List[Example]
    doubtful: List[Example]


def outcome_counts(outcomes: Sequence[Sequence[Outcome]]) -> Dict[Optional[str], Dict[str, int]]:
    """RETURNS (Dict[Optional[str], Dict[str, int]]): How often each outcome was, of each gold label, or of the
    predicted one where there is no gold; in all under None, which comes first."""
    counts: Dict[Optional[str], Counter] = {None: Counter()}
    for outcome in (outcome for of_doc in outcomes for outcome in of_doc):
        label = (outcome.gold or outcome.predicted).label
        for key in (None, label):
            counts.setdefault(key, Counter())[outcome.kind] += 1
    labels = [None, *sorted(key for key in counts if key is not None)]
    return {label: {kind: counts[label][kind] for kind in OUTCOMES} for label in labels}


def confusion_matrix(outcomes: Sequence[Sequence[Outcome]]) -> Tuple[List[Optional[str]], List[List[int]]]:
    """RETURNS (Tuple[List[Optional[str]], List[List[int]]]): The labels, the last of them None for no entity, and for
    each gold label (row) how often it was predicted as each label (column). Spans that overlap count as one."""
    counts = confusion(outcome for of_doc in outcomes for outcome in of_doc)
    labels = [*sorted({label for pair in counts for label in pair} - {None}), None]
    return labels, [[counts.get((gold, predicted), 0) for predicted in labels] for gold in labels]


def most_frequent(outcomes: Sequence[Sequence[Outcome]], kind: str) -> List[Tuple[str, str, int]]:
    """RETURNS (List[Tuple[str, str, int]]): The texts, in lower case, and labels that were missed, or made up, most
    often, and how often."""
    spans = (outcome.gold or outcome.predicted for of_doc in outcomes for outcome in of_doc if outcome.kind == kind)
    counts = Counter((span.text.lower(), span.label) for span in spans)
    return [(*key, n) for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:N_FREQUENT]]


def find_trust(run: Run, outcomes: Sequence[Sequence[Outcome]]) -> Optional[Trust]:
    """Gather what a pipeline's probabilities tell.

    run (Run): The pipeline's results.
    outcomes (Sequence[Sequence[Outcome]]): Their outcomes.
    RETURNS (Optional[Trust]): The findings; None if no prediction has a probability.
    """
    judgements = run.judgements()
    if judgements is None:
        return None
    dial = turn(judgements)
    probabilities, right = judgements.probabilities, judgements.right
    judged = [
        (run.results[i].confidences[outcome.predicted], i, outcome)
        for i, of_doc in enumerate(outcomes)
        for outcome in of_doc
        if outcome.predicted and run.results[i].confidences[outcome.predicted] is not None
    ]
    judged.sort(key=lambda row: row[0])
    hits = [row for row in judged if row[2].kind == RIGHT]
    mistakes = [row for row in reversed(judged) if row[2].kind != RIGHT]
    return Trust(
        judgements,
        dial,
        {
            "calibration error": expected_calibration_error(probabilities, right),
            "Brier score": brier_score(probabilities, right),
            "mean confidence": float(probabilities.mean()),
            "precision": float(right.mean()),
        },
        _at_thresholds(judgements),
        [_example(run.results, *row) for row in mistakes[:N_EXAMPLES]],
        [_example(run.results, *row) for row in hits[:N_EXAMPLES]],
    )


def find_comparison(first: Run, second: Run) -> Dict[str, Any]:
    """Compare two runs over the same corpus.

    first (Run): The results of one pipeline.
    second (Run): The results of the other.
    RETURNS (Dict[str, Any]): What `compare` returns, and under "gained" for each model examples of mentions that it
        finds and the other does not, with what the other makes of them.
    """
    sides = [(a.gold, a.predicted, b.predicted) for a, b in zip(first.results, second.results)]
    units, _ = bootstrap_units(result.doc for result in first.results)
    outcomes = [run.outcomes() for run in (first, second)]
    examples = []
    for model, other in ((0, 1), (1, 0)):
        found = gained(sides, model)
        # Examples from the whole corpus, and not its beginning only.
        chosen = [found[i] for i in numpy.linspace(0, len(found) - 1, min(N_EXAMPLES // 2, len(found))).astype(int)]
        examples.append([_gain(first.results, outcomes[other], i, span) for i, span in chosen])
    return {**compare(sides, units), "gained": examples}


def _gain(results: List[DocResult], of_other: Sequence[Sequence[Outcome]], i: int, mention: TextSpan) -> Example:
    [outcome] = [outcome for outcome in of_other[i] if outcome.gold == mention]
    return _example(results, None, i, outcome)


def _example(results: List[DocResult], confidence: Optional[float], i: int, outcome: Outcome) -> Example:
    spans = [span for span in (outcome.predicted, outcome.gold) if span]
    return Example(outcome, confidence, context(results[i].doc, i, spans))


def _at_thresholds(judgements: Judgements) -> List[Dict[str, float]]:
    rows = []
    for threshold in THRESHOLDS:
        right = judgements.right[judgements.probabilities >= threshold]
        if len(right):
            counts = numpy.array([right.sum(), (~right).sum(), judgements.n_gold - right.sum()])
            rows.append({"threshold": threshold, **dict(zip("prf", prf(counts).tolist()))})
    return rows
