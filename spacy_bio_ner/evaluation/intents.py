"""Intents predicted and intended: the categories of utterances, of which each has one."""

from typing import Any, Dict, Optional, Sequence

from spacy.scorer import Scorer
from spacy.training import Example

from .doc_results import DocResult


def score_intents(results: Sequence[DocResult]) -> Optional[Dict[str, Any]]:
    """Score intents with spaCy's scorer: those of Docs with predicted categories whose gold Doc has an intent, just one
    category that is 1.0.

    results (Sequence[DocResult]): The results.
    RETURNS (Optional[Dict[str, Any]]): The "accuracy", the "support" (the number of Docs) and "f_per_type", precision,
        recall and F of each intent; None if there is no such Doc.
    """
    examples = [
        Example(result.doc, result.gold)
        for result in results
        if result.doc.cats and max(result.gold.cats.values(), default=0.0) == sum(result.gold.cats.values()) == 1.0
    ]
    if not examples:
        return None
    labels = sorted({label for eg in examples for doc in (eg.predicted, eg.reference) for label in doc.cats})
    scores = Scorer.score_cats(examples, "cats", labels=labels, multi_label=False)
    # One intent is predicted for each Doc and one is right, so that over all of them P, R and F are the accuracy.
    accuracy, per_type = scores["cats_micro_f"], scores["cats_f_per_type"]
    return {"accuracy": accuracy, "support": len(examples), "f_per_type": per_type}
