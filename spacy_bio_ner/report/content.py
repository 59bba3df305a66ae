"""The numbers and examples of a report: gathered here, set on a page in page.py."""

from collections import Counter
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy

from ..evaluation.bootstrap import units_of
from ..evaluation.calibration import ScoredEntities, brier_score, expected_calibration_error, scored_entities
from ..evaluation.comparison import compare, gained
from ..evaluation.counts import TextSpan, prf
from ..evaluation.doc_results import DocResult
from ..evaluation.outcomes import OUTCOMES, RIGHT, Outcome, confusion
from .contexts import Context, context

N_EXAMPLES = 10
N_FREQUENT = 8
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)

# What became of the mentions and predictions of each Doc.
Outcomes = Sequence[Sequence[Outcome]]


class Example(NamedTuple):
    """An entity to look at.

    outcome (Outcome): The mention and the prediction.
    probability (Optional[float]): The probability of the prediction.
    context (Context): The text around it, with the spans of the prediction and of the mention, as far as there are.
    """

    outcome: Outcome
    probability: Optional[float]
    context: Context


class Trust(NamedTuple):
    """How far a pipeline's probabilities can be trusted, and what they tell.

    entities (ScoredEntities): The entities, right and wrong, those that its threshold leaves out included.
    figures (Dict[str, float]): Calibration error, Brier score, mean probability and precision of these.
    thresholds (List[Dict[str, float]]): Precision, recall and F at some thresholds.
    has_own (bool): Whether the pipeline leaves out entities by thresholds of its own.
    mistakes (List[Example]): The most probable of the wrong entities.
    doubtful (List[Example]): The least probable of the right ones.
    """

    entities: ScoredEntities
    figures: Dict[str, float]
    thresholds: List[Dict[str, float]]
    has_own: bool
    mistakes: List[Example]
    doubtful: List[Example]


def outcome_counts(outcomes: Outcomes) -> Dict[Optional[str], Dict[str, int]]:
    """RETURNS (Dict[Optional[str], Dict[str, int]]): How often each outcome was, of each gold label, or of the
    predicted one where there is no gold; in all under None, which comes first."""
    counts: Dict[Optional[str], Counter] = {None: Counter()}
    for outcome in (outcome for of_doc in outcomes for outcome in of_doc):
        for key in (None, outcome.span.label):
            counts.setdefault(key, Counter())[outcome.kind] += 1
    labels = [None, *sorted(key for key in counts if key is not None)]
    return {label: {kind: counts[label][kind] for kind in OUTCOMES} for label in labels}


def confusion_matrix(outcomes: Outcomes) -> Tuple[List[Optional[str]], List[List[int]]]:
    """RETURNS (Tuple[List[Optional[str]], List[List[int]]]): The labels, the last of them None for no entity, and for
    each gold label (row) how often it was predicted as each label (column). Spans that overlap count as one."""
    counts = confusion(outcome for of_doc in outcomes for outcome in of_doc)
    labels = [*sorted({label for pair in counts for label in pair if label is not None}), None]
    return labels, [[counts.get((gold, predicted), 0) for predicted in labels] for gold in labels]


def most_frequent(outcomes: Outcomes, kind: str) -> List[Tuple[str, str, int]]:
    """RETURNS (List[Tuple[str, str, int]]): The texts, in lower case, and labels that were missed, or made up, most
    often, and how often."""
    spans = (outcome.span for of_doc in outcomes for outcome in of_doc if outcome.kind == kind)
    counts = Counter((span.text.lower(), span.label) for span in spans)
    return [(*key, n) for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:N_FREQUENT]]


def find_trust(results: Sequence[DocResult], outcomes: Outcomes) -> Optional[Trust]:
    """Gather what a pipeline's probabilities tell.

    results (Sequence[DocResult]): The pipeline's results.
    outcomes (Sequence[Sequence[Outcome]]): Their outcomes.
    RETURNS (Optional[Trust]): What they tell; None if no prediction has a probability.
    """
    known: List[Tuple[float, int, Outcome]] = []
    for i, (result, of_doc) in enumerate(zip(results, outcomes)):
        for outcome in of_doc:
            probability = result.predictions[outcome.predicted].probability if outcome.predicted else None
            if probability is not None:
                known.append((probability, i, outcome))
    if not known:
        return None
    known.sort(key=lambda row: row[0])
    doubtful = [row for row in known if row[2].kind == RIGHT][:N_EXAMPLES]
    mistakes = [row for row in reversed(known) if row[2].kind != RIGHT][:N_EXAMPLES]
    entities = scored_entities(results)
    probabilities, right, _ = entities
    return Trust(
        entities,
        {
            "calibration error": expected_calibration_error(probabilities, right),
            "Brier score": brier_score(probabilities, right),
            "mean probability": float(probabilities.mean()),
            "precision": float(right.mean()),
        },
        _at_thresholds(entities),
        not all(found.is_entity for result in results for found in result.predictions.values()),
        [_example(results, *row) for row in mistakes],
        [_example(results, *row) for row in doubtful],
    )


def find_comparison(
    first: Sequence[DocResult], second: Sequence[DocResult], outcomes: Tuple[Outcomes, Outcomes]
) -> Dict[str, Any]:
    """Compare the results of two pipelines on the same corpus.

    first (Sequence[DocResult]): The results of one.
    second (Sequence[DocResult]): The results of the other.
    outcomes (Tuple[Outcomes, Outcomes]): The outcomes of both.
    RETURNS (Dict[str, Any]): What `compare` returns, and under "gained" for each model examples of mentions that it
        finds and the other does not, with what the other makes of them.
    """
    sides = [(a.mentions, a.entities, b.entities) for a, b in zip(first, second)]
    units, _ = units_of(result.gold for result in first)
    examples = []
    for model, other in ((0, 1), (1, 0)):
        found = gained(sides, model)
        # Examples from the whole corpus, and not its beginning only.
        chosen = [found[i] for i in numpy.linspace(0, len(found) - 1, min(N_EXAMPLES // 2, len(found))).astype(int)]
        examples.append([_gain(first, outcomes[other], i, span) for i, span in chosen])
    return {**compare(sides, units), "gained": examples}


def _gain(results: Sequence[DocResult], of_other: Outcomes, i: int, mention: TextSpan) -> Example:
    [outcome] = [outcome for outcome in of_other[i] if outcome.gold == mention]
    return _example(results, None, i, outcome)


def _example(results: Sequence[DocResult], probability: Optional[float], i: int, outcome: Outcome) -> Example:
    spans = [span for span in (outcome.predicted, outcome.gold) if span]
    return Example(outcome, probability, context(results[i].gold, i, spans))


def _at_thresholds(entities: ScoredEntities) -> List[Dict[str, float]]:
    rows = []
    for threshold in THRESHOLDS:
        right = entities.right[entities.probabilities >= threshold]
        if len(right):
            counts = numpy.array([right.sum(), (~right).sum(), entities.n_gold - right.sum()])
            rows.append({"threshold": threshold, **dict(zip("prf", prf(counts).tolist()))})
    return rows
