"""What training minimises, and its gradients."""

from typing import Sequence, Tuple

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, Ragged

from .linear_chain import LinearChain
from .potentials import Potentials
from .rejections import Span


def negative_log_likelihood(
    ops: Ops, potentials: Potentials, allowed: numpy.ndarray, rejected: Sequence[Span] = ()
) -> Tuple[float, Potentials]:
    """Minus the log probability of an annotation: that each token's tag is among the allowed ones, and that no rejected
    span is an entity. Where annotation is missing several tags are allowed, and the probability is a sum over all of
    them (marginal likelihood; Tsuboi et al. 2008).

    ops (Ops): The ops of the model.
    potentials (Potentials): The scores.
    allowed (ndarray): Booleans of shape (tokens, n_tags).
    rejected (Sequence[Tuple[int, int, int]]): Start token, end token (exclusive) and label index of each span.
    RETURNS (Tuple[float, Potentials]): The loss in nats, summed over the batch, and its gradient.
    """
    free = LinearChain.from_potentials(ops, potentials)
    gold = free.given(allowed, rejected)
    loss = float((free.log_partition - gold.log_partition).sum())
    return loss, _difference(free.expected_counts(), gold.expected_counts(), potentials)


def cross_entropy(
    ops: Ops, potentials: Potentials, target: Potentials, allowed: numpy.ndarray
) -> Tuple[float, Potentials]:
    """The expectation, over tag sequences of another distribution (the teacher), of minus their log probability. Its
    gradient is that of the Kullback-Leibler divergence from the teacher, which is the entropy of the teacher less:
    expected counts of the student minus those of the teacher (Wang et al. 2021, Structural knowledge distillation).

    ops (Ops): The ops of the model.
    potentials (Potentials): The student's scores.
    target (Potentials): The teacher's expected counts, as LinearChain.expected_counts gives them.
    allowed (ndarray): Booleans of shape (1, n_tags): the tags that the teacher knows. The student is compared as if it
        had no others, so that what it thinks of those is left as it is.
    RETURNS (Tuple[float, Potentials]): The cross-entropy in nats, summed over the batch, and its gradient.
    """
    n_tokens = len(potentials.emissions.dataXd)
    student = LinearChain.from_potentials(ops, potentials).given(numpy.repeat(allowed, n_tokens, axis=0))
    loss = float(student.log_partition.sum()) - student.expected_score(target)
    return loss, _difference(student.expected_counts(), target, potentials)


def match_labels(ops: Ops, counts: Potentials, labels: Sequence[str], wanted: Sequence[str]) -> Potentials:
    """Give expected counts the tags of other labels, by name. What has a label that is not wanted counts as O.

    ops (Ops): The ops of the model.
    counts (Potentials): The expected counts.
    labels (Sequence[str]): The labels of their tags.
    wanted (Sequence[str]): The labels they are to have.
    RETURNS (Potentials): The expected counts, with a tag for O and two for each wanted label.
    """
    if list(labels) == list(wanted):
        return counts
    becomes = numpy.zeros((1 + 2 * len(labels), 1 + 2 * len(wanted)))
    becomes[0, 0] = 1
    for i, label in enumerate(labels):
        for tag in (1 + 2 * i, 2 + 2 * i):
            becomes[tag, tag - 2 * i + 2 * wanted.index(label) if label in wanted else 0] = 1
    matrix: Floats2d = ops.asarray(becomes)
    return Potentials(
        Ragged(counts.emissions.dataXd @ matrix, counts.emissions.lengths),
        matrix.T @ counts.transitions @ matrix,
        counts.starts @ matrix,
    )


def _difference(student: Potentials, target: Potentials, potentials: Potentials) -> Potentials:
    """RETURNS (Potentials): Expected counts of a model minus those it should have, in the dtype of its scores."""
    dtype = potentials.emissions.data.dtype
    emissions = (student.emissions.dataXd - target.emissions.dataXd).astype(dtype)
    return Potentials(
        Ragged(emissions, potentials.emissions.lengths),
        (student.transitions - target.transitions).astype(dtype),
        (student.starts - target.starts).astype(dtype),
    )
