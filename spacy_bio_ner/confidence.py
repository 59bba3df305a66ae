"""How sure the component is of each entity, kept with the Doc: in doc.spans, which survives to_bytes and DocBin."""

from typing import Iterable, Optional, Tuple

from spacy.tokens import Doc, Span, SpanGroup

SPANS_KEY = "bio_ner"
SCORES = "scores"


def write_confidences(doc: Doc, scored: Iterable[Tuple[Span, float]]) -> None:
    """Write entities and their probabilities to doc.spans["bio_ner"], whose attrs["scores"] hold the latter.

    doc (Doc): The Doc.
    scored (Iterable[Tuple[Span, float]]): The entities and the probability of each.
    """
    ordered = sorted(scored, key=lambda pair: pair[0].start)
    attrs = {SCORES: [probability for _, probability in ordered]}
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, attrs=attrs, spans=[span for span, _ in ordered])


def read_confidence(span: Span) -> Optional[float]:
    """The getter of span._.confidence.

    span (Span): An entity.
    RETURNS (Optional[float]): The probability that exactly these tokens are an entity with this label, given the
        text and the entities that were set before it was processed, which have 1.0 themselves; None for a span that
        is none of them, such as an entity changed later.
    """
    group = span.doc.spans.get(SPANS_KEY)
    if group is None or SCORES not in group.attrs:
        return None
    wanted = (span.start, span.end, span.label)
    found = (
        score for other, score in zip(group, group.attrs[SCORES]) if (other.start, other.end, other.label) == wanted
    )
    return next(found, None)


Span.set_extension("confidence", getter=read_confidence, force=True)
