"""Quality without labels: what a pipeline's own probabilities say of how right it is.

The expected number of right ones among the predicted entities is the sum of their probabilities, and the expected
number of true ones in a text is the sum of the probabilities that an entity begins, over all tokens.
"""

from contextlib import contextmanager
from typing import Any, Dict, Iterable, Iterator, List, Optional

import numpy
from spacy.language import Language
from spacy.tokens import Doc

from ..component import BioEntityRecognizer
from ..confidence import expected_entities

# A document is doubtful if so many of its entities, or more, are expected to be wrong or missed.
DOUBTFUL_ERRORS = 1.0


def bio_ners(nlp: Language) -> List[BioEntityRecognizer]:
    """RETURNS (List[BioEntityRecognizer]): The bio_ner components of a pipeline."""
    return [component for _, component in nlp.pipeline if isinstance(component, BioEntityRecognizer)]


@contextmanager
def expected_numbers(nlp: Language) -> Iterator[None]:
    """Have a pipeline write the expected numbers of entities, which its bio_ner does only with candidates.

    nlp (Language): The pipeline. One without a bio_ner is left as it is.
    """
    components = bio_ners(nlp)
    before = [component.cfg["candidate_threshold"] for component in components]
    for component in components:
        component.cfg["candidate_threshold"] = component.cfg["candidate_threshold"] or 1.0
    try:
        yield
    finally:
        for component, threshold in zip(components, before):
            component.cfg["candidate_threshold"] = threshold


class Forecast:
    """Expected scores, collected from Docs that a pipeline has processed under expected_numbers."""

    def __init__(self) -> None:
        self._counts: Dict[str, numpy.ndarray] = {}  # of each label: predicted, right, true
        self._n_docs = self._n_doubtful = 0

    def add(self, doc: Doc) -> None:
        """Take the numbers of a Doc. One without expected numbers, of a pipeline without a bio_ner, has none."""
        expected = expected_entities(doc)
        if expected is None:
            return
        own = {label: numpy.array([0.0, 0.0, number]) for label, number in expected.items()}
        for ent in doc.ents:
            probability = ent._.confidence
            if probability is not None:  # not set or changed by a later component
                own[ent.label_][:2] += 1.0, probability
        for label, row in own.items():
            self._counts[label] = self._counts.get(label, numpy.zeros(3)) + row
        predicted, right, true = sum(own.values(), numpy.zeros(3))
        self._n_docs += 1
        self._n_doubtful += int(predicted - right + true - right >= DOUBTFUL_ERRORS)

    def scores(self, labels: Optional[Iterable[str]] = None) -> Optional[Dict[str, Any]]:
        """Forecast the scores.

        labels (Optional[Iterable[str]]): The labels to score, all by default.
        RETURNS (Optional[Dict[str, Any]]): Expected scores with spaCy's names, in all and per type: p, r and f, None
            where there is nothing to divide by; the number of "predicted" entities, and the expected numbers of
            "right" ones among them and of "true" ones in the text. "docs" is the number of Docs and "doubtful" the
            share of doubtful ones. None if no Doc had expected numbers.
        """
        if not self._n_docs:
            return None
        counts = {label: self._counts[label] for label in labels or sorted(self._counts) if label in self._counts}
        total = sum(counts.values(), numpy.zeros(3))
        return {
            **{f"ents_{name}": value for name, value in _scores(total).items()},
            "ents_per_type": {label: _scores(row) for label, row in counts.items()},
            "docs": self._n_docs,
            "doubtful": self._n_doubtful / self._n_docs,
        }


def _scores(counts: numpy.ndarray) -> Dict[str, Any]:
    predicted, right, true = counts.tolist()
    return {
        "p": right / predicted if predicted else None,
        "r": right / true if true else None,
        "f": 2 * right / (predicted + true) if predicted + true else None,
        "predicted": int(predicted),
        "right": right,
        "true": true,
    }
