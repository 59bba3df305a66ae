"""Quality without labels: what a pipeline's own probabilities say of how right it is.

The expected number of right ones among the predicted entities is the sum of their probabilities, and the expected
number of true ones in a text is the sum of the probabilities that an entity begins, over all tokens.
"""

from typing import Any, Dict, Optional, Sequence

import numpy

from .doc_results import DocResult

# A document is doubtful if so many of its entities, or more, are expected to be wrong or missed.
DOUBTFUL_ERRORS = 1.0


def forecast(results: Sequence[DocResult]) -> Optional[Dict[str, Any]]:
    """Forecast scores. Gold annotation is not looked at.

    results (Sequence[DocResult]): The results.
    RETURNS (Optional[Dict[str, Any]]): Expected scores with spaCy's names, in all and per type: p, r and f, None where
        there is nothing to divide by; the number of "predicted" entities, and the expected numbers of "right" ones
        among them and of "true" ones in the text. "docs" is the number of Docs and "doubtful" the share of doubtful
        ones. None if no Doc has expected numbers, as without a bio_ner.
    """
    counts: Dict[str, numpy.ndarray] = {}  # of each label: predicted, right, true
    n_docs = n_doubtful = 0
    for result in results:
        if result.expected is None:
            continue
        of_doc = {label: numpy.array([0.0, 0.0, number]) for label, number in result.expected.items()}
        for span, found in result.predictions.items():
            if found.is_entity and found.probability is not None:
                of_doc.setdefault(span.label, numpy.zeros(3))[:2] += 1.0, found.probability
        for label, row in of_doc.items():
            counts[label] = counts.get(label, numpy.zeros(3)) + row
        predicted, right, true = sum(of_doc.values(), numpy.zeros(3))
        n_docs += 1
        n_doubtful += int(predicted - right + true - right >= DOUBTFUL_ERRORS)
    if not n_docs:
        return None
    return {
        **{f"ents_{name}": value for name, value in _scores(sum(counts.values(), numpy.zeros(3))).items()},
        "ents_per_type": {label: _scores(counts[label]) for label in sorted(counts)},
        "docs": n_docs,
        "doubtful": n_doubtful / n_docs,
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
