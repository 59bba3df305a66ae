"""A Doc's annotation as what its tags can be: gold annotation for the loss, presets for the decoder.

Annotation is read as (iob, types): for each token its ENT_IOB and the hash of its entity's label.
"""

import warnings
from itertools import accumulate
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.tokens import Doc, Span
from spacy.training import Example

from .confidence import earlier_entities
from .crf import bio, rejections

USER_DATA, ANNOTATED_LABELS = "bio_ner", "labels"

_IOB_OF_BILUO = {
    "B": bio.IOB_BEGIN, "U": bio.IOB_BEGIN, "I": bio.IOB_INSIDE, "L": bio.IOB_INSIDE, "O": bio.IOB_OUTSIDE,
}  # fmt: skip


class Constraints(NamedTuple):
    """What is known of the tags of a batch.

    allowed (ndarray): Which tags each token may have, booleans of shape (tokens, n_tags) for the tokens of all docs.
    rejected (List[Tuple[int, int, int]]): Spans that are no entities with their label: start token, end token
        (exclusive) and label index, tokens counted through all docs.
    """

    allowed: numpy.ndarray
    rejected: List[rejections.Span]


def gold_constraints(
    examples: Sequence[Example], labels: Sequence[str], incorrect_spans_key: Optional[str] = None
) -> Constraints:
    """What the gold annotation says of the predicted docs' tokens. Tokens without annotation, and entities that do not
    align with the predicted docs' tokens, may have any tag. Where a Doc tells which labels it is annotated for, a token
    that is O may have the tags of the others (see `annotated_labels`).

    examples (Sequence[Example]): The examples.
    labels (Sequence[str]): The known labels, in the order of their indices.
    incorrect_spans_key (Optional[str]): The span group of the reference docs with what is known to be no entity.
    RETURNS (Constraints): What the tags can be.
    RAISES (ValueError): If a span is annotated as an entity and as none.
    """
    annotation = [_gold_annotation(eg) for eg in examples]
    iob, types = numpy.concatenate(annotation, axis=1)
    indices = _label_indices(types, [examples[0].predicted.vocab.strings.add(label) for label in labels])
    allowed = bio.allowed_tags(iob, indices, bio.n_tags(len(labels)))
    offsets = numpy.cumsum([0] + [len(eg.predicted) for eg in examples]).tolist()
    rejected: List[rejections.Span] = []
    for eg, offset, (doc_iob, _) in zip(examples, offsets, annotation):
        known = annotated_labels(eg.reference)
        if known is not None:
            outside = offset + numpy.flatnonzero(doc_iob == bio.IOB_OUTSIDE)
            open_tags = [tag for i, label in enumerate(labels) if label not in known for tag in (1 + 2 * i, 2 + 2 * i)]
            allowed[numpy.ix_(outside, open_tags)] = True
        if incorrect_spans_key is not None and incorrect_spans_key in eg.reference.spans:
            rejected += _shifted(_incorrect_spans(eg, incorrect_spans_key), labels, offset)
    return Constraints(allowed, rejected)


def preset_constraints(
    docs: Sequence[Doc], labels: Sequence[str], spans_key: str, incorrect_spans_key: Optional[str] = None
) -> Constraints:
    """What the decoder may give each token, by the rules of spaCy's own ner: entities that are set stay, blocked tokens
    stay outside, no entity starts on white space or crosses a sentence start. A token that is merely O is free, since
    setting doc.ents marks every other token so. Entities that an earlier pass of the same component found are free too.

    docs (Sequence[Doc]): The docs to predict.
    labels (Sequence[str]): The known labels, in the order of their indices.
    spans_key (str): The span group in which the component keeps its confidences.
    incorrect_spans_key (Optional[str]): The span group with what is known to be no entity.
    RETURNS (Constraints): What the tags can be.
    """
    n_tags = bio.n_tags(len(labels))
    attrs = numpy.concatenate([doc.to_array([ENT_IOB, ENT_TYPE, SENT_START, IS_SPACE]) for doc in docs])
    iob, types, sent_start, is_space = attrs.T
    rejected: List[rejections.Span] = []
    for doc, offset in zip(docs, accumulate(map(len, docs), initial=0)):
        if doc.spans:
            ents, _ = presets(doc, spans_key)
            for ent in set(doc.ents) - set(ents):
                iob[offset + ent.start : offset + ent.end] = bio.IOB_MISSING
            incorrect = doc.spans.get(incorrect_spans_key, ()) if incorrect_spans_key is not None else ()
            rejected += _shifted([span for span in incorrect if span not in ents], labels, offset)
    free = (iob == bio.IOB_OUTSIDE) | (iob == bio.IOB_MISSING)
    if free.all():
        allowed = numpy.ones((len(iob), n_tags), dtype=bool)
    else:
        iob = numpy.where(free, bio.IOB_MISSING, _unblocked(iob, types))
        hashes = [docs[0].vocab.strings.add(label) for label in labels]
        allowed = bio.allowed_tags(iob, _label_indices(types, hashes), n_tags)
    for tokens, is_forbidden in ((sent_start == 1, bio.is_inside), (is_space == 1, bio.is_begin)):
        rows = numpy.flatnonzero(free & tokens)
        if len(rows):
            allowed[rows[:, None], is_forbidden(numpy.arange(n_tags))] = False
    return Constraints(allowed, rejected)


def presets(doc: Doc, spans_key: str) -> Tuple[List[Span], List[Span]]:
    """RETURNS (Tuple[List[Span], List[Span]]): The entities that are set on a doc and that no earlier pass of the same
    component found, and its blocked tokens."""
    if not doc.has_annotation("ENT_IOB"):  # as the tokenizer leaves it
        return [], []
    iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).T
    blocked = numpy.flatnonzero((iob == bio.IOB_BEGIN) & (types == 0)).tolist()
    ents = list(doc.ents) if types.any() else []
    if ents and spans_key in doc.spans:
        earlier = earlier_entities(doc, spans_key)
        ents = [ent for ent in ents if (ent.start_char, ent.end_char, ent.label_) not in earlier]
    return ents, [doc[i : i + 1] for i in blocked]


def annotated_labels(doc: Doc) -> Optional[Sequence[str]]:
    """RETURNS (Optional[Sequence[str]]): The labels that a Doc is annotated for; None if that is all. What has another
    label is missing in it, and not O. `bio-ner convert --annotated-labels` writes them to
    doc.user_data["bio_ner"]["labels"]."""
    return doc.user_data.get(USER_DATA, {}).get(ANNOTATED_LABELS)


def have_same_tokens(doc: Doc, other: Doc) -> bool:
    """RETURNS (bool): Whether two Docs, of one vocabulary or of two, have the same tokens."""
    return numpy.array_equal(doc.to_array(ORTH), other.to_array(ORTH))


def _gold_annotation(example: Example) -> numpy.ndarray:
    """RETURNS (ndarray): iob and types of the predicted doc's tokens, uint64 of shape (2, tokens)."""
    predicted, reference = example.predicted, example.reference
    if have_same_tokens(predicted, reference):
        iob, types, is_space = reference.to_array([ENT_IOB, ENT_TYPE, IS_SPACE]).T
        iob = _unblocked(iob, types)
        return numpy.stack([_trimmed(iob, is_space, reference) if is_space.any() else iob, types])
    iob = numpy.zeros(len(predicted), dtype="uint64")
    types = numpy.zeros(len(predicted), dtype="uint64")
    for i, tag in enumerate(example.get_aligned_ner()):
        if tag and tag != "-":
            iob[i] = _IOB_OF_BILUO[tag[0]]
            types[i] = predicted.vocab.strings.add(tag[2:]) if tag != "O" else 0
    return numpy.stack([iob, types])


def _trimmed(iob: numpy.ndarray, is_space: numpy.ndarray, doc: Doc) -> numpy.ndarray:
    """RETURNS (ndarray): The iob with white space at the edges of entities outside, since nothing that starts there is
    ever predicted."""
    for ent in doc.ents:
        if not (is_space[ent.start] or is_space[ent.end - 1]):
            continue
        warnings.warn(
            f"The gold entity {ent.text!r} starts or ends with white space. It is learned without it, and scored as "
            "another entity than the one predicted: trim the entities of your corpus."
        )
        words = ent.start + numpy.flatnonzero(is_space[ent.start : ent.end] == 0)
        iob = iob.copy()
        iob[ent.start : ent.end] = bio.IOB_OUTSIDE
        if len(words):
            iob[words[0] : words[-1] + 1] = bio.IOB_INSIDE
            iob[words[0]] = bio.IOB_BEGIN
    return iob


def _incorrect_spans(example: Example, key: str) -> List[Span]:
    """RETURNS (List[Span]): The spans that are no entities, on the predicted doc's tokens as far as they align."""
    reference = example.reference
    incorrect = list(reference.spans[key])
    ents = {(ent.start, ent.end, ent.label) for ent in reference.ents}
    for span in incorrect:
        if (span.start, span.end, span.label) in ents:
            raise ValueError(
                f"The annotation contradicts itself: {span.text!r} (characters {span.start_char} to {span.end_char}) "
                f"is an entity with the label '{span.label_}', and also one of the spans in doc.spans['{key}'], which "
                "are known to be none."
            )
    if have_same_tokens(example.predicted, reference):
        return incorrect
    return example.get_aligned_spans_y2x(incorrect, allow_overlap=True)


def _shifted(spans: Iterable[Span], labels: Sequence[str], offset: int) -> List[rejections.Span]:
    """RETURNS (List): The spans with a known label as start, end and label index, counted from an offset."""
    known = {label: index for index, label in enumerate(labels)}
    return [
        (offset + span.start, offset + span.end, known[span.label_])
        for span in spans
        if span.label_ in known and len(span)
    ]


def _unblocked(iob: numpy.ndarray, types: numpy.ndarray) -> numpy.ndarray:
    """spaCy's ner marks a token that can be in no entity as the begin of one without a label."""
    return numpy.where((iob == bio.IOB_BEGIN) & (types == 0), bio.IOB_OUTSIDE, iob)


def _label_indices(types: numpy.ndarray, labels: Sequence[int]) -> numpy.ndarray:
    indices = numpy.full(len(types), -1, dtype="int64")
    for index, label in enumerate(labels):
        indices[types == label] = index
    return indices
