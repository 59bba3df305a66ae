"""Intents predicted and intended: the categories of utterances, of which each has one."""

from typing import Any, Dict, List, Optional

from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example


class Intents:
    """Collects the intents of a corpus, and scores them with spaCy's scorer."""

    def __init__(self) -> None:
        self._examples: List[Example] = []

    def add(self, predicted: Doc, gold: Doc) -> None:
        """Count a prediction, if there is one and the gold Doc has an intent: just one category that is 1.0.

        predicted (Doc): The Doc as the pipeline leaves it.
        gold (Doc): The gold Doc.
        """
        if predicted.cats and max(gold.cats.values(), default=0.0) == sum(gold.cats.values()) == 1.0:
            self._examples.append(Example(_categories_alone(predicted), _categories_alone(gold)))

    def scores(self) -> Optional[Dict[str, Any]]:
        """RETURNS (Optional[Dict[str, Any]]): The "accuracy", the "support" (the number of Docs) and "f_per_type",
        precision, recall and F of each intent; None if there was none."""
        if not self._examples:
            return None
        labels = sorted({label for eg in self._examples for doc in (eg.predicted, eg.reference) for label in doc.cats})
        scores = Scorer.score_cats(self._examples, "cats", labels=labels, multi_label=False)
        # One intent is predicted for each Doc and one is right, so that over all of them P, R and F are the accuracy.
        accuracy, per_type = scores["cats_micro_f"], scores["cats_f_per_type"]
        return {"accuracy": accuracy, "support": len(self._examples), "f_per_type": per_type}


def _categories_alone(doc: Doc) -> Doc:
    """RETURNS (Doc): A Doc with the same categories and nothing else to keep in memory."""
    alone = Doc(doc.vocab)
    alone.cats = doc.cats
    return alone
