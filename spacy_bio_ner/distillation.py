"""What a teacher says of a Doc, kept with it, so that a student can learn from it in an ordinary training.

A teacher's distribution over tag sequences is kept as what the student's gradient needs of it: the probability of each
tag of each token, and how often each tag is expected to follow each. It lies in doc.user_data["bio_ner"]["posterior"],
which a DocBin keeps if it stores user data. What is less probable than MIN_PROBABILITY is left out, and O is what is
left of 1, so that most tokens take no room.
"""

from itertools import groupby
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import numpy
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.api import Model, Ops
from thinc.types import Ragged

from .constraints import USER_DATA
from .crf.bio import O, n_tags
from .crf.linear_chain import LinearChain
from .crf.potentials import Potentials

POSTERIOR = "posterior"
MIN_PROBABILITY = 1e-3


class Posterior(NamedTuple):
    """What a teacher says of a Doc.

    marginals (ndarray): The probability of each tag of each token, of shape (tokens, n_tags).
    transitions (ndarray): The expected number of times that a tag follows another, of shape (n_tags, n_tags).
    """

    marginals: numpy.ndarray
    transitions: numpy.ndarray


def compute_posteriors(model: Model[List[Doc], Potentials], docs: Sequence[Doc], temperature: float) -> List[Posterior]:
    """Compute what a teacher says of Docs: its distribution as training has it, without what prediction adds to it
    (entities that are set, sentence starts, white space).

    model (Model[List[Doc], Potentials]): The teacher's tagger.
    docs (Sequence[Doc]): The Docs, as the components before the teacher leave them.
    temperature (float): What its scores are divided by.
    RETURNS (List[Posterior]): The posterior of each.
    RAISES (ValueError): If the scores are not numbers.
    """
    size = n_tags(len(model.attrs["labels"]))
    if not any(len(doc) for doc in docs):
        return [Posterior(numpy.zeros((0, size)), numpy.zeros((size, size))) for _ in docs]
    chain = LinearChain.from_potentials(model.ops, model.predict(list(docs)), temperature)
    marginals = model.ops.to_numpy(chain.marginals)
    if not numpy.isfinite(marginals).all():
        raise ValueError("the teacher's scores are not numbers")
    bounds = numpy.cumsum([len(doc) for doc in docs])[:-1]
    transitions = [model.ops.to_numpy(counts) for counts in chain.transitions_by_doc()]
    return [Posterior(*pair) for pair in zip(numpy.split(marginals, bounds), transitions, strict=True)]


def mean_posterior(posteriors: Sequence[Posterior], labels: Sequence[Sequence[str]]) -> Posterior:
    """What several teachers say of a Doc on average.

    posteriors (Sequence[Posterior]): What each says.
    labels (Sequence[Sequence[str]]): The labels of each, the same ones, perhaps in another order.
    RETURNS (Posterior): The mean, with the tags of the first one's labels.
    """
    total = Posterior(numpy.zeros_like(posteriors[0].marginals), numpy.zeros_like(posteriors[0].transitions))
    for (marginals, transitions), own in zip(posteriors, labels, strict=True):
        tags = [O, *(1 + 2 * own.index(label) + inside for label in labels[0] for inside in (0, 1))]
        total.marginals[:] += marginals[:, tags] / len(posteriors)
        total.transitions[:] += transitions[numpy.ix_(tags, tags)] / len(posteriors)
    return total


def write_posterior(doc: Doc, labels: Sequence[str], posterior: Posterior) -> None:
    """Keep a teacher's posterior with a Doc.

    doc (Doc): The Doc.
    labels (Sequence[str]): The teacher's labels.
    posterior (Posterior): What it says.
    """
    marginals, transitions = posterior
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


def taught_labels(doc: Doc) -> List[str]:
    """RETURNS (List[str]): The labels of the teacher's posterior that is kept with a Doc; none if there is none."""
    return list(_posterior(doc)["labels"]) if has_posterior(doc) else []


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


def blank_copy(doc: Union[Doc, Span], vocab: Vocab) -> Doc:
    """RETURNS (Doc): A Doc with the tokens of another, or of a part of it, and nothing else."""
    return Doc(vocab, words=[token.text for token in doc], spaces=[bool(token.whitespace_) for token in doc])


def _posterior(doc: Doc) -> Dict[str, Any]:
    return doc.user_data[USER_DATA][POSTERIOR]
