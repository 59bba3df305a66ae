"""From scores to entities: which spans a batch of docs has, and how probable each is."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy
from thinc.api import Ops
from thinc.types import Array2d

from .crf.bio import tags_to_spans
from .crf.decoding import certain_tags, k_best, viterbi
from .crf.expected_f import best_expected_f
from .crf.linear_chain import Potentials, posterior, tempered
from .crf.spans import candidate_spans, expected_counts, outside_probabilities, span_probabilities
from .layers.packing import pack

# expected_f chooses from spans at least so probable, and Viterbi's. In each document it prefers some entity to none, so
# that less probable ones would cost more precision than their recall is worth.
EXPECTED_F_THRESHOLD = 0.2


class Predictions(NamedTuple):
    """The entities of a batch of docs, and their candidates if asked for, in the order of their starts.

    spans (ndarray): A row (start token, end token, label index) for each, tokens counted through all docs, int64.
    probabilities (ndarray): The probability of each, float64.
    outside (ndarray): For each the probability that no token of it is in any entity, float64.
    chosen (ndarray): Whether each is an entity, and not only a candidate.
    expected (Optional[ndarray]): With candidates, the expected number of entities, of shape (docs, labels).
    """

    spans: numpy.ndarray
    probabilities: numpy.ndarray
    outside: numpy.ndarray
    chosen: numpy.ndarray
    expected: Optional[numpy.ndarray]


def no_predictions(n_docs: int, n_labels: int, candidate_threshold: Optional[float]) -> Predictions:
    """RETURNS (Predictions): Those of docs without a token."""
    spans, none = numpy.zeros((0, 3), dtype="int64"), numpy.zeros(0)
    expected = None if candidate_threshold is None else numpy.zeros((n_docs, n_labels))
    return Predictions(spans, none, none, none.astype(bool), expected)


def predict_entities(
    ops: Ops,
    potentials: Potentials,
    allowed: Array2d,
    *,
    temperature: float,
    candidate_threshold: Optional[float],
    beta: Optional[float],
    n_certain: Sequence[int],
) -> Predictions:
    """Decode a batch and find the probabilities of its spans.

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores.
    allowed (Array2d): Booleans of shape (tokens, n_tags): which tags each token may have.
    temperature (float): What the scores are divided by.
    candidate_threshold (Optional[float]): If given, all spans at least so probable are found.
    beta (Optional[float]): If given, the entities are those of the highest expected F-beta score, and not Viterbi's.
    n_certain (Sequence[int]): For each doc the number of entities that are set and that no tag stands for.
    RETURNS (Predictions): The spans.
    """
    xp, lengths = ops.xp, potentials.emissions.lengths
    if temperature != 1.0:
        potentials = tempered(potentials, temperature)
    packing = pack(ops, lengths)
    known = posterior(ops, potentials, packing, allowed)
    tags = certain_tags(xp, known)
    if tags is None:
        tags = viterbi(ops, potentials, packing, allowed)
    spans = tags_to_spans(ops.to_numpy(tags))
    chosen = numpy.ones(len(spans), dtype=bool)
    thresholds = [] if candidate_threshold is None else [candidate_threshold]
    thresholds += [] if beta is None else [EXPECTED_F_THRESHOLD]
    if thresholds:
        spans, chosen = _with_candidates(spans, ops.to_numpy(candidate_spans(xp, known, min(thresholds))))
    probabilities = ops.to_numpy(span_probabilities(xp, known, xp.asarray(spans)))
    expected = ops.to_numpy(expected_counts(xp, known, lengths)) if thresholds else None
    if beta is not None:
        n_gold = expected.sum(axis=1).tolist()
        chosen = _choose_by_expected_f(spans, probabilities, chosen, ops.to_numpy(lengths), n_gold, n_certain, beta)
    kept = chosen if candidate_threshold is None else chosen | (probabilities >= candidate_threshold)
    spans = spans[kept]
    outside = ops.to_numpy(outside_probabilities(xp, known, xp.asarray(spans)))
    expected = None if candidate_threshold is None else expected
    return Predictions(spans, probabilities[kept], outside, chosen[kept], expected)


def k_best_entities(ops: Ops, potentials: Potentials, allowed: Array2d, k: int) -> List[Tuple[numpy.ndarray, float]]:
    """The k most probable analyses of one document.

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores of one document.
    allowed (Array2d): Booleans of shape (tokens, n_tags): which tags each token may have.
    k (int): The number of analyses.
    RETURNS (List[Tuple[ndarray, float]]): The spans of each, rows of start token, end token (exclusive) and label
        index, and the probability that just these are the entities. The most probable first.
    """
    packing = pack(ops, potentials.emissions.lengths)
    log_partition = float(posterior(ops, potentials, packing, allowed).log_partition[0])
    emissions = ops.xp.where(allowed, potentials.emissions.dataXd, -ops.xp.inf)
    scores = (emissions, potentials.transitions, potentials.starts)
    sequences = k_best(*(ops.to_numpy(x).astype("float64") for x in scores), k)
    return [(tags_to_spans(tags), float(numpy.exp(score - log_partition))) for tags, score in zip(*sequences)]


def _with_candidates(decoded: numpy.ndarray, candidates: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """RETURNS (Tuple[ndarray, ndarray]): All spans, each once and in order, and which of them are decoded."""
    spans, index = numpy.unique(numpy.concatenate([decoded, candidates]), axis=0, return_inverse=True)
    chosen = numpy.zeros(len(spans), dtype=bool)
    chosen[index[: len(decoded)]] = True
    return spans, chosen


def _choose_by_expected_f(
    spans: numpy.ndarray,
    probabilities: numpy.ndarray,
    decoded: numpy.ndarray,
    lengths: numpy.ndarray,
    n_gold: Sequence[float],
    n_certain: Sequence[int],
    beta: float,
) -> numpy.ndarray:
    """RETURNS (ndarray): Which spans are the entities, booleans: of each doc's decoded and probable spans those of the
    highest expected F-score."""
    eligible = numpy.flatnonzero(decoded | (probabilities >= EXPECTED_F_THRESHOLD))
    bounds = numpy.searchsorted(spans[eligible, 0], numpy.cumsum([0, *lengths]))
    chosen = numpy.zeros(len(spans), dtype=bool)
    for doc, (first, last) in enumerate(zip(bounds, bounds[1:])):
        rows = eligible[first:last]
        initial = numpy.flatnonzero(decoded[rows])
        best = best_expected_f(spans[rows], probabilities[rows], n_gold[doc], beta, initial, n_certain[doc])
        chosen[rows[best]] = True
    return chosen
