"""The entity annotation of spaCy's Docs as arrays: gold annotation for the loss, presets for the decoder.

Both are given as (iob, types): for each token its ENT_IOB and the hash of its entity's label.
"""

from typing import Iterable, List, Sequence, Tuple

import numpy
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.tokens import Doc, Span
from spacy.training import Example

from .crf.bio import IOB_BEGIN, IOB_INSIDE, IOB_MISSING, IOB_OUTSIDE, allowed_tags, is_begin, is_inside

_IOB_OF_BILUO = {"B": IOB_BEGIN, "U": IOB_BEGIN, "I": IOB_INSIDE, "L": IOB_INSIDE, "O": IOB_OUTSIDE}


def gold_tags(examples: Iterable[Example], labels: Sequence[int], n_tags: int) -> numpy.ndarray:
    """Which tags the gold annotation allows for each token of the predicted docs. Tokens without annotation
    and entities that do not align with the predicted docs' tokens may have any tag.

    examples (Iterable[Example]): The examples.
    labels (Sequence[int]): The hashes of the known labels, in the order of their indices.
    n_tags (int): The number of tags.
    RETURNS (ndarray): Booleans of shape (tokens, n_tags) for the tokens of all predicted docs.
    """
    iob, types = numpy.concatenate([_gold_annotation(eg) for eg in examples], axis=1)
    return allowed_tags(iob, _label_indices(types, labels), n_tags)


def preset_tags(docs: Iterable[Doc], labels: Sequence[int], n_tags: int) -> numpy.ndarray:
    """Which tags the decoder may give each token, by the rules of spaCy's own ner: entities that are set
    stay, blocked tokens stay outside, no entity starts on white space or crosses a sentence start. A token
    that is merely O is free: setting doc.ents marks every other token so.

    docs (Iterable[Doc]): The docs to predict.
    labels (Sequence[int]): The hashes of the known labels, in the order of their indices.
    n_tags (int): The number of tags.
    RETURNS (ndarray): Booleans of shape (tokens, n_tags) for the tokens of all docs.
    """
    attrs = numpy.concatenate([doc.to_array([ENT_IOB, ENT_TYPE, SENT_START, IS_SPACE]) for doc in docs])
    iob, types, sent_start, is_space = attrs.T
    free = (iob == IOB_OUTSIDE) | (iob == IOB_MISSING)
    if free.all():
        allowed = numpy.ones((len(iob), n_tags), dtype=bool)
    else:
        iob = numpy.where(free, IOB_MISSING, _unblocked(iob, types))
        allowed = allowed_tags(iob, _label_indices(types, labels), n_tags)
    for tokens, is_forbidden in ((sent_start == 1, is_inside), (is_space == 1, is_begin)):
        if tokens.any():
            allowed[numpy.ix_(free & tokens, is_forbidden(numpy.arange(n_tags)))] = False
    return allowed


def with_presets(docs: Sequence[Doc]) -> List[bool]:
    """RETURNS (List[bool]): Whether entities or blocked tokens are set on each doc."""
    if not docs:
        return []
    iob = numpy.concatenate([doc.to_array(ENT_IOB) for doc in docs])
    preset = numpy.flatnonzero((iob == IOB_BEGIN) | (iob == IOB_INSIDE))
    if not len(preset):
        return [False] * len(docs)
    bounds = numpy.searchsorted(preset, numpy.cumsum([0] + [len(doc) for doc in docs]))
    return (numpy.diff(bounds) > 0).tolist()


def preset_spans(doc: Doc) -> Tuple[List[Span], List[Span]]:
    """RETURNS (Tuple[List[Span], List[Span]]): The entities that are set on a doc, and its blocked tokens."""
    iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).T
    blocked = numpy.flatnonzero((iob == IOB_BEGIN) & (types == 0)).tolist()
    return list(doc.ents) if types.any() else [], [doc[i : i + 1] for i in blocked]


def _gold_annotation(example: Example) -> Tuple[numpy.ndarray, numpy.ndarray]:
    predicted, reference = example.predicted, example.reference
    if numpy.array_equal(predicted.to_array(ORTH), reference.to_array(ORTH)):
        iob, types = reference.to_array([ENT_IOB, ENT_TYPE]).T
        return _unblocked(iob, types), types
    iob = numpy.zeros(len(predicted), dtype="uint64")
    types = numpy.zeros(len(predicted), dtype="uint64")
    for i, tag in enumerate(example.get_aligned_ner()):
        if tag and tag != "-":
            iob[i] = _IOB_OF_BILUO[tag[0]]
            types[i] = predicted.vocab.strings.add(tag[2:]) if tag != "O" else 0
    return iob, types


def _unblocked(iob: numpy.ndarray, types: numpy.ndarray) -> numpy.ndarray:
    """spaCy's ner marks a token that can be in no entity as the begin of one without a label."""
    return numpy.where((iob == IOB_BEGIN) & (types == 0), IOB_OUTSIDE, iob)


def _label_indices(types: numpy.ndarray, labels: Sequence[int]) -> numpy.ndarray:
    indices = numpy.full(len(types), -1, dtype="int64")
    for index, label in enumerate(labels):
        indices[types == label] = index
    return indices
