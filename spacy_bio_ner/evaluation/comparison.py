"""Two models on the same corpus: how sure it is that one is better, and what one finds that the other does not."""

from typing import Any, Dict, List, Sequence, Set, Tuple

import numpy

from .bootstrap import LEVEL, N_RESAMPLES, SEED, interval, resample
from .counts import TextSpan, prf

# Of one text: the gold mentions, and the predictions of each model.
Sides = Tuple[Set[TextSpan], Set[TextSpan], Set[TextSpan]]


def compare(sides: Sequence[Sides], units: Sequence[int]) -> Dict[str, Any]:
    """Compare two models by a paired bootstrap: each resample scores both on the same texts (Efron and Tibshirani
    1993; for scores of models Koehn 2004).

    sides (Sequence[Sides]): The mentions and both models' predictions of each text.
    units (Sequence[int]): The index of the unit that each text is drawn with, such as its document.
    RETURNS (Dict[str, Any]): Under "scores" p, r and f of each model, and under "difference" the first minus the
        second, its interval, and the share of resamples in which the first has more; "found" and "wrong" count the
        gold mentions found and the wrong predictions made by "both", "first", "second" and, of mentions, "neither".
    """
    counts = numpy.zeros((max(units, default=-1) + 1, 2, 3), dtype="int64")
    found = dict.fromkeys(("both", "first", "second", "neither"), 0)
    wrong = dict.fromkeys(("both", "first", "second"), 0)
    for unit, (gold, first, second) in zip(units, sides):
        for model, predicted in enumerate((first, second)):
            right = len(gold & predicted)
            counts[unit, model] += (right, len(predicted) - right, len(gold) - right)
        for where, spans in (
            ("both", first & second), ("first", first - second), ("second", second - first),
        ):  # fmt: skip
            found[where] += len(spans & gold)
            wrong[where] += len(spans - gold)
        found["neither"] += len(gold - first - second)
    samples = prf(resample(counts))
    differences = samples[:, 0] - samples[:, 1]
    low, high = interval(differences)
    scores = prf(counts.sum(axis=0))
    return {
        "scores": [dict(zip("prf", row)) for row in scores.tolist()],
        "difference": {
            name: {"value": float(value), "interval": [float(low[i]), float(high[i])], "more": float(more)}
            for i, (name, value, more) in enumerate(zip("prf", scores[0] - scores[1], (differences > 0).mean(axis=0)))
        },
        "level": LEVEL,
        "resamples": N_RESAMPLES,
        "seed": SEED,
        "found": found,
        "wrong": wrong,
    }


def gained(sides: Sequence[Sides], model: int) -> List[Tuple[int, TextSpan]]:
    """RETURNS (List[Tuple[int, TextSpan]]): The gold mentions that one model (0 or 1) finds and the other does not,
    each with the index of its text."""
    return [
        (i, span)
        for i, (gold, *predicted) in enumerate(sides)
        for span in sorted(gold & predicted[model] - predicted[1 - model])
    ]
