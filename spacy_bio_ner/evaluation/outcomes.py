"""What became of each mention: found, found with the wrong boundary or type, missed; and what was made up. Spans of
characters in, no spaCy, no model.
"""

from bisect import bisect_left
from collections import Counter
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .counts import TextSpan

RIGHT, BOUNDARY, TYPE, BOTH, MISSED, SPURIOUS = OUTCOMES = (
    "right", "boundary", "type", "boundary and type", "missed", "spurious",
)  # fmt: skip


class Outcome(NamedTuple):
    """A gold mention and the prediction that stands for it, or one of them alone.

    kind (str): One of OUTCOMES.
    gold (Optional[TextSpan]): The mention; None if the prediction is spurious.
    predicted (Optional[TextSpan]): The prediction; None if the mention is missed.
    """

    kind: str
    gold: Optional[TextSpan]
    predicted: Optional[TextSpan]

    @property
    def span(self) -> TextSpan:
        """RETURNS (TextSpan): The mention, or the prediction if there is none."""
        found = self.gold or self.predicted
        assert found is not None
        return found


def pair(gold: Set[TextSpan], predicted: Set[TextSpan]) -> List[Outcome]:
    """Pair mentions and predictions that overlap, each with one other at most. A prediction takes the mention of its
    label whose ends are nearest, and else the first one that it overlaps, as nervaluate's "ent_type" does (after
    SemEval 2013, task 9.1).

    gold (Set[TextSpan]): The gold mentions of a text.
    predicted (Set[TextSpan]): The predictions for it, which do not overlap one another.
    RETURNS (List[Outcome]): All of both, in the order of their characters.
    """
    left = sorted(gold)
    longest = max((span.end_char - span.start_char for span in left), default=0)
    outcomes = []
    for span in sorted(predicted):
        # Of mentions sorted by their starts, only those from here on can reach the prediction.
        near = left[bisect_left(left, (span.start_char - longest,)) : bisect_left(left, (span.end_char,))]
        overlapping = [mention for mention in near if mention.end_char > span.start_char]
        if overlapping:
            best = min(overlapping, key=lambda mention: _distance(mention, span))
            left.remove(best)
            outcomes.append(Outcome(_kind(best, span), best, span))
        else:
            outcomes.append(Outcome(SPURIOUS, None, span))
    outcomes += [Outcome(MISSED, mention, None) for mention in left]
    return sorted(outcomes, key=lambda outcome: outcome.span)


def confusion(outcomes: Iterable[Outcome]) -> Dict[Tuple[Optional[str], Optional[str]], int]:
    """RETURNS (Dict[Tuple[Optional[str], Optional[str]], int]): How often a gold label, or None, was predicted as a
    label, or None."""
    return Counter(
        (outcome.gold and outcome.gold.label, outcome.predicted and outcome.predicted.label) for outcome in outcomes
    )


def _distance(mention: TextSpan, span: TextSpan) -> Tuple[bool, int]:
    if mention.label != span.label:
        return True, 0
    return False, abs(mention.start_char - span.start_char) + abs(mention.end_char - span.end_char)


def _kind(mention: TextSpan, span: TextSpan) -> str:
    same_ends = mention[:2] == span[:2]
    if mention.label == span.label:
        return RIGHT if same_ends else BOUNDARY
    return TYPE if same_ends else BOTH
