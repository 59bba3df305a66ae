"""What a teacher says of a Doc, kept with it, so that a student can learn from it in an ordinary training.

A teacher's distribution over tag sequences is kept as what the student's gradient needs of it: the probability of each
tag of each token, and how often each tag is expected to follow each. It lies in doc.user_data["bio_ner"]["posterior"],
which a DocBin keeps if it stores user data. What is less probable than MIN_PROBABILITY is left out, and O is what is
left of 1, so that most tokens take no room.
"""

from itertools import groupby
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy
from spacy.tokens import Doc
from thinc.api import Ops
from thinc.types import Ragged

from .constraints import USER_DATA
from .crf.bio import O, n_tags
from .crf.potentials import Potentials

POSTERIOR = "posterior"
MIN_PROBABILITY = 1e-3


def write_posterior(doc: Doc, labels: Sequence[str], marginals: numpy.ndarray, transitions: numpy.ndarray) -> None:
    """Keep a teacher's posterior with a Doc.

    doc (Doc): The Doc.
    labels (Sequence[str]): The teacher's labels.
    marginals (ndarray): The probability of each tag of each token, of shape (tokens, n_tags).
    transitions (ndarray): The expected number of times that a tag follows another, of shape (n_tags, n_tags).
    """
    tokens, tags = numpy.nonzero(marginals[:, 1:] >= MIN_PROBABILITY)
    previous, following = numpy.nonzero(transitions >= MIN_PROBABILITY)
    doc.user_data.setdefault(USER_DATA, {})[POSTERIOR] = {
        "labels": list(labels),
        "tokens": tokens.astype("uint32"),
        "tags": (tags + 1).astype("uint16"),
        "probabilities": marginals[tokens, tags + 1].astype("float16"),
        "pairs": numpy.stack([previous, following], axis=1).astype("uint16"),
        "counts": transitions[previous, following].astype("float32"),
    }


def has_posterior(doc: Doc) -> bool:
    """RETURNS (bool): Whether a teacher's posterior is kept with a Doc."""
    return POSTERIOR in doc.user_data.get(USER_DATA, {})


def by_labels(docs: Sequence[Doc]) -> Iterator[Tuple[List[str], List[int]]]:
    """Group the Docs that have a posterior by its labels, since teachers may have different ones.

    docs (Sequence[Doc]): The Docs.
    YIELDS (Tuple[List[str], List[int]]): Labels, and the indices of the Docs with these.
    """
    taught = [(_posterior(doc)["labels"], i) for i, doc in enumerate(docs) if has_posterior(doc)]
    for labels, group in groupby(sorted(taught), key=lambda pair: pair[0]):
        yield labels, [i for _, i in group]


def read_posteriors(ops: Ops, docs: Sequence[Doc]) -> Potentials:
    """Read the posteriors of Docs, all with the same labels.

    ops (Ops): Where to put them.
    docs (Sequence[Doc]): The Docs.
    RETURNS (Potentials): The expected counts, as LinearChain.expected_counts gives them, float64.
    """
    size = n_tags(len(_posterior(docs[0])["labels"]))
    lengths = numpy.array([len(doc) for doc in docs], dtype="int32")
    starts = numpy.cumsum(lengths) - lengths
    marginals, transitions = numpy.zeros((int(lengths.sum()), size)), numpy.zeros((size, size))
    for doc, start in zip(docs, starts.tolist()):
        posterior = _posterior(doc)
        marginals[start + posterior["tokens"].astype("int64"), posterior["tags"]] = posterior["probabilities"]
        transitions[tuple(posterior["pairs"].T)] += posterior["counts"]
    marginals[:, O] = numpy.maximum(1 - marginals[:, 1:].sum(axis=1), 0.0)
    first = marginals[starts[lengths > 0]].sum(axis=0)
    return Potentials(
        Ragged(ops.asarray(marginals), ops.asarray1i(lengths)), ops.asarray(transitions), ops.asarray(first)
    )


def _posterior(doc: Doc) -> Dict[str, Any]:
    return doc.user_data[USER_DATA][POSTERIOR]
