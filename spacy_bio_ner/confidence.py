"""How sure the component is, kept with the Doc: in doc.spans["bio_ner"], which survives to_bytes and DocBin.

The group holds the entities and, if the component was asked for candidates, all spans that are probable enough. Its
attrs hold, for each span in the group's order, "scores": its probability, and "outside": the probability that no token
of it is in any entity; and with candidates "expected": the expected number of entities of each label.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from spacy.tokens import Doc, Span, SpanGroup

SPANS_KEY = "bio_ner"
SCORES, OUTSIDE, EXPECTED = "scores", "outside", "expected"


class Alternative(NamedTuple):
    """What else an entity could be.

    span (Optional[Span]): Another label for the same tokens, or other tokens that overlap them; None if none of its
        tokens is in any entity.
    probability (float): The probability of that.
    """

    span: Optional[Span]
    probability: float


def write_confidences(
    doc: Doc, scored: Iterable[Tuple[Span, float, float]], expected: Optional[Dict[str, float]] = None
) -> None:
    """Write spans and their probabilities to doc.spans["bio_ner"].

    doc (Doc): The Doc.
    scored (Iterable[Tuple[Span, float, float]]): The entities and candidates, with the probability of each, and the
        probability that no token of it is in any entity.
    expected (Optional[Dict[str, float]]): The expected number of entities of each label.
    """
    ordered = sorted(scored, key=lambda row: (row[0].start, row[0].end))
    attrs: Dict[str, Any] = {SCORES: [row[1] for row in ordered], OUTSIDE: [row[2] for row in ordered]}
    if expected is not None:
        attrs[EXPECTED] = dict(expected)
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, attrs=attrs, spans=[row[0] for row in ordered])


def read_confidences(doc: Doc) -> Dict[Tuple[int, int, int], float]:
    """RETURNS (Dict[Tuple[int, int, int], float]): The probabilities of a Doc's entities and candidates, by start
    token, end token and label hash."""
    group = doc.spans.get(SPANS_KEY)
    if group is None or SCORES not in group.attrs:
        return {}
    return {(span.start, span.end, span.label): score for span, score in zip(group, group.attrs[SCORES])}


def read_confidence(span: Span) -> Optional[float]:
    """The getter of span._.confidence.

    span (Span): An entity or a candidate.
    RETURNS (Optional[float]): The probability that exactly these tokens are an entity with this label, given the
        text and the entities that were set before it was processed, which have 1.0 themselves; None for a span that
        is none of them, such as an entity changed later.
    """
    return read_confidences(span.doc).get((span.start, span.end, span.label))


def read_alternatives(span: Span) -> List[Alternative]:
    """The getter of span._.alternatives.

    span (Span): An entity or a candidate.
    RETURNS (List[Alternative]): No entity at all, and the candidates that it excludes, with other labels or boundaries,
        the most probable first. Candidates are known if the component was asked for them (candidate_threshold). Empty
        for a span that is neither an entity nor a candidate.
    """
    if read_confidence(span) is None:
        return []
    group = span.doc.spans[SPANS_KEY]
    alternatives = []
    for other, score, outside in zip(group, group.attrs[SCORES], group.attrs[OUTSIDE]):
        if (other.start, other.end, other.label) == (span.start, span.end, span.label):
            alternatives.append(Alternative(None, outside))
        elif other.start < span.end and span.start < other.end:
            alternatives.append(Alternative(other, score))
    return sorted(alternatives, key=lambda alternative: -alternative.probability)


Span.set_extension("confidence", getter=read_confidence, force=True)
Span.set_extension("alternatives", getter=read_alternatives, force=True)
