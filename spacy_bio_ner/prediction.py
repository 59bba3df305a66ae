"""From a distribution to entities: which spans a batch of docs has, and how probable each is."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy

from .crf.bio import tags_to_spans
from .crf.linear_chain import LinearChain


class Predictions(NamedTuple):
    """The entities of a batch of docs, what the thresholds have left out, and candidates if asked for, in the order of
    their starts.

    spans (ndarray): A row (start token, end token, label index) for each, tokens counted through all docs, int64.
    probabilities (ndarray): The probability of each, float64.
    outside (ndarray): For each the probability that no token of it is in any entity, float64.
    is_entity (ndarray): Whether each is an entity.
    is_left_out (ndarray): Whether each is one of the most probable tag sequence, and less probable than its threshold.
    expected (Optional[ndarray]): With candidates, the expected number of entities, of shape (docs, labels).
    """

    spans: numpy.ndarray
    probabilities: numpy.ndarray
    outside: numpy.ndarray
    is_entity: numpy.ndarray
    is_left_out: numpy.ndarray
    expected: Optional[numpy.ndarray]


def no_predictions(n_docs: int, n_labels: int, candidate_threshold: Optional[float]) -> Predictions:
    """RETURNS (Predictions): Those of docs without a token."""
    spans, none = numpy.zeros((0, 3), dtype="int64"), numpy.zeros(0)
    expected = None if candidate_threshold is None else numpy.zeros((n_docs, n_labels))
    return Predictions(spans, none, none, none.astype(bool), none.astype(bool), expected)


def predict_entities(
    chain: LinearChain, thresholds: numpy.ndarray, candidate_threshold: Optional[float] = None
) -> Predictions:
    """Find the entities of a batch: those of the most probable tag sequence of each document that are probable enough.

    chain (LinearChain): The distribution, given what is set.
    thresholds (ndarray): For each label how probable an entity must be, of shape (labels,).
    candidate_threshold (Optional[float]): If given, all spans at least so probable are found too.
    RETURNS (Predictions): The spans.
    """
    ops = chain.ops
    spans = tags_to_spans(ops.to_numpy(chain.viterbi()))
    n_decoded = len(spans)
    if candidate_threshold is not None:
        spans = numpy.concatenate([spans, ops.to_numpy(chain.candidates(candidate_threshold))])
        spans, index = numpy.unique(spans, axis=0, return_inverse=True)
        is_decoded = numpy.isin(numpy.arange(len(spans)), index[:n_decoded])
    else:
        is_decoded = numpy.ones(n_decoded, dtype=bool)
    on_device = ops.xp.asarray(spans)
    probabilities = numpy.minimum(ops.to_numpy(chain.span_probabilities(on_device)), 1.0)
    is_entity = is_decoded & (probabilities >= thresholds[spans[:, 2]])
    is_left_out = is_decoded & ~is_entity
    kept = is_decoded
    expected = None
    if candidate_threshold is not None:
        kept = is_decoded | (probabilities >= candidate_threshold)
        expected = ops.to_numpy(chain.expected_entities())
    outside = numpy.minimum(ops.to_numpy(chain.outside_probabilities(on_device[ops.xp.asarray(kept)])), 1.0)
    return Predictions(spans[kept], probabilities[kept], outside, is_entity[kept], is_left_out[kept], expected)


def thresholds_by_label(threshold: Union[float, Dict[str, float]], labels: Sequence[str]) -> numpy.ndarray:
    """RETURNS (ndarray): The threshold of each label, float64. Labels that a dict does not name have 0."""
    if isinstance(threshold, dict):
        return numpy.array([threshold.get(label, 0.0) for label in labels])
    return numpy.full(len(labels), threshold, dtype="float64")


def k_best_entities(chain: LinearChain, k: int) -> List[Tuple[numpy.ndarray, float]]:
    """The k most probable analyses of one document.

    chain (LinearChain): The distribution of one document, given what is set.
    k (int): The number of analyses.
    RETURNS (List[Tuple[ndarray, float]]): The spans of each, rows of start token, end token (exclusive) and label
        index, and the probability that just these are the entities. The most probable first.
    """
    return [(tags_to_spans(tags), probability) for tags, probability in chain.k_best(k)]
