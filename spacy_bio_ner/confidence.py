"""How sure the component is, kept with the Doc.

If the component was asked for candidates, the span group under its spans_key holds these and the entities. Otherwise it
is empty, since spaCy does not move span groups when tokens are merged, and cannot save them then. The group's attrs,
which to_bytes and DocBin keep, hold the probabilities by characters and label in any case:

    {"confidences": {"0:10:CHEM": [probability, outside, is_entity], ...}, "expected": {"CHEM": 1.2, ...},
     "left_out": {"14:20:DIS": probability, ...}}

outside is the probability that no token of the span is in any entity, is_entity whether it became one, and expected the
expected number of entities of each label, which is there if candidates are. left_out is there if a threshold has left
out entities: with them entities can be found for a lower one (see thresholds.py).

The probabilities of the entities are also values of the extension attribute span._.confidence, which spaCy takes along
where it leaves span groups behind: Doc.from_docs, span.as_doc(copy_user_data=True),
doc.to_json(underscore=["confidence"]). If another library has an attribute of this name, it keeps it, and its values
are neither read nor written.
"""

import warnings
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from spacy.tokens import Doc, Span, SpanGroup

CONFIDENCES, EXPECTED, LEFT_OUT = "confidences", "expected", "left_out"
CONFIDENCE, ALTERNATIVES = "confidence", "alternatives"


def register_extensions() -> None:
    """Register span._.confidence and span._.alternatives, as creating a component does: call it to read them from Docs
    where no component is made. What another library has registered under these names is left alone, and a warning says
    where the probabilities are.
    """
    for name, getter, setter in (
        (CONFIDENCE, read_confidence, write_confidence),
        (ALTERNATIVES, read_alternatives, write_alternatives),
    ):
        if not Span.has_extension(name):
            Span.set_extension(name, getter=getter, setter=setter)
        elif _is_taken(name):
            warnings.warn(
                f"span._.{name} is not what bio_ner gives, since something else has registered an attribute of that "
                f"name. Call spacy_bio_ner.confidence.{getter.__name__}(span) instead, or register it under a name of "
                f"your own: Span.set_extension('ner_{name}', getter={getter.__name__})"
            )


class Alternative(NamedTuple):
    """What else an entity could be.

    span (Optional[Span]): Another label for the same tokens, or other tokens that overlap them; None if none of its
        tokens is in any entity.
    probability (float): The probability of that.
    """

    span: Optional[Span]
    probability: float


class ScoredSpan(NamedTuple):
    """An entity or a candidate, as it is kept with a Doc.

    start_char (int): Its first character.
    end_char (int): The one after its last.
    label (str): Its label.
    probability (float): The probability that exactly these characters are an entity with this label.
    outside (float): The probability that no token of it is in any entity.
    is_entity (bool): Whether the component made it an entity.
    """

    start_char: int
    end_char: int
    label: str
    probability: float
    outside: float
    is_entity: bool


def write_confidences(
    doc: Doc,
    key: str,
    scored: Iterable[Tuple[Span, float, float, bool]],
    expected: Optional[Dict[str, float]] = None,
    left_out: Sequence[Tuple[Span, float]] = (),
) -> None:
    """Write probabilities to a Doc, and candidates if there are any, in the place of what an earlier pass has written.

    doc (Doc): The Doc.
    key (str): The key of the span group.
    scored (Iterable[Tuple[Span, float, float, bool]]): The entities and candidates in the order of their starts, with
        the probability of each, the probability that no token of it is in any entity, and whether it is an entity.
    expected (Optional[Dict[str, float]]): The expected number of entities of each label, if candidates were asked for.
    left_out (Sequence[Tuple[Span, float]]): The entities that a threshold has left out, and their probabilities.
    """
    values, keeps_values = _values(doc), not _is_taken(CONFIDENCE)
    if keeps_values:
        for earlier in read_scored(doc, key):
            values.pop(_user_data_key(CONFIDENCE, earlier.start_char, earlier.end_char), None)
    spans, confidences = [], {}
    for span, probability, outside, is_entity in scored:
        start, end, label = span.start_char, span.end_char, span.label_
        spans.append(span)
        confidences[_attrs_key(start, end, label)] = [probability, outside, is_entity]
        if is_entity and keeps_values:
            values[_user_data_key(CONFIDENCE, start, end)] = {label: probability}
    attrs: Dict[str, Any] = {CONFIDENCES: confidences}
    if left_out:
        attrs[LEFT_OUT] = {_key_of(span): probability for span, probability in left_out}
    if expected is not None:
        attrs[EXPECTED] = expected
    doc.spans[key] = SpanGroup(doc, name=key, attrs=attrs, spans=[] if expected is None else spans)


def confidence_keys(doc: Doc) -> List[str]:
    """RETURNS (List[str]): The keys of the span groups that components of this kind have written."""
    return [key for key, group in doc.spans.items() if CONFIDENCES in group.attrs]


def read_scored(doc: Doc, key: str) -> List[ScoredSpan]:
    """RETURNS (List[ScoredSpan]): The entities and candidates that a component has written to a Doc under its
    spans_key, in the order of their starts. Empty if it has not processed the Doc."""
    return list(_scored(doc.spans[key])) if key in doc.spans else []


def read_left_out(doc: Doc, key: str) -> Dict[Tuple[int, int, str], float]:
    """RETURNS (Dict[Tuple[int, int, str], float]): Start and end character and label of the entities that a threshold
    has left out of a Doc, and their probabilities."""
    group = doc.spans.get(key)
    return {} if group is None else {_place(k): value for k, value in group.attrs.get(LEFT_OUT, {}).items()}


def expected_entities(doc: Doc) -> Optional[Dict[str, float]]:
    """RETURNS (Optional[Dict[str, float]]): The expected number of entities of each label in a Doc, summed over the
    components of this kind that have processed it; None if none was asked for candidates."""
    numbers = [group.attrs[EXPECTED] for group in _groups(doc) if EXPECTED in group.attrs]
    return {label: sum(n.get(label, 0.0) for n in numbers) for n in numbers for label in n} if numbers else None


def earlier_entities(doc: Doc, key: str) -> Set[Tuple[int, int, str]]:
    """RETURNS (Set[Tuple[int, int, str]]): Start and end character and label of the entities that an earlier pass of
    the component has found."""
    return {(row.start_char, row.end_char, row.label) for row in read_scored(doc, key) if row.is_entity}


def read_confidence(span: Span) -> Optional[float]:
    """The getter of span._.confidence.

    span (Span): An entity, a candidate, or what a threshold has left out.
    RETURNS (Optional[float]): The probability that exactly these characters are an entity with this label, given the
        text and the entities that were set before it was processed, which have 1.0 themselves; None for a span that
        is none of them, such as an entity changed later.
    """
    written = _written(span, CONFIDENCE)
    if span.label_ in written:
        return written[span.label_]
    key = _key_of(span)
    for group in _groups(span.doc):
        found = group.attrs[CONFIDENCES].get(key)
        if found is not None:
            return found[0]
        if key in group.attrs.get(LEFT_OUT, {}):
            return group.attrs[LEFT_OUT][key]
    return written.get("")


def write_confidence(span: Span, value: Union[float, Dict[str, float]]) -> None:
    """The setter of span._.confidence.

    span (Span): The span.
    value (Union[float, Dict[str, float]]): Its probability, which is read from then on. One set for a span without a
        label is read where no other is known of its characters. Or, as Doc.from_json gives it, the probability of each
        label.
    """
    _write(span, CONFIDENCE, value)


def read_alternatives(span: Span) -> List[Alternative]:
    """The getter of span._.alternatives.

    span (Span): An entity or a candidate.
    RETURNS (List[Alternative]): No entity at all, and the candidates that it excludes, with other labels or boundaries,
        the most probable first. Candidates are known if the component was asked for them (candidate_threshold). Empty
        for a span that is neither an entity nor a candidate.
    """
    doc, own = span.doc, (span.start_char, span.end_char, span.label_)
    written = _written(span, ALTERNATIVES)
    if span.label_ in written:
        return written[span.label_]
    for group in _groups(doc):
        found = group.attrs[CONFIDENCES].get(_key_of(span))
        if found is None:
            continue
        alternatives = [Alternative(None, found[1])]
        for other in _scored(group):
            if other[:3] != own and other.start_char < span.end_char and span.start_char < other.end_char:
                tokens = doc.char_span(other.start_char, other.end_char, label=other.label)
                if tokens is not None:
                    alternatives.append(Alternative(tokens, other.probability))
        return sorted(alternatives, key=lambda alternative: -alternative.probability)
    return written.get("", [])


def write_alternatives(span: Span, value: Any) -> None:
    """The setter of span._.alternatives, for other libraries that write an attribute of this name.

    span (Span): The span.
    value (Any): What is read from then on.
    """
    _write(span, ALTERNATIVES, value)


def _groups(doc: Doc) -> Iterator[SpanGroup]:
    """YIELDS (SpanGroup): The span groups that components of this kind have written."""
    for key in confidence_keys(doc):
        yield doc.spans[key]


def _scored(group: SpanGroup) -> Iterator[ScoredSpan]:
    for key, values in group.attrs.get(CONFIDENCES, {}).items():
        yield ScoredSpan(*_place(key), *values)


def _attrs_key(start_char: int, end_char: int, label: str) -> str:
    """RETURNS (str): Where the group's attrs keep what is known of a span."""
    return f"{start_char}:{end_char}:{label}"


def _key_of(span: Span) -> str:
    return _attrs_key(span.start_char, span.end_char, span.label_)


def _place(attrs_key: str) -> Tuple[int, int, str]:
    """RETURNS (Tuple[int, int, str]): The start and end character and the label of a span."""
    start, end, label = attrs_key.split(":", 2)
    return int(start), int(end), label


def _values(doc: Doc) -> Dict[Any, Any]:
    """RETURNS (Dict[Any, Any]): The Doc's user_data, whose keys are not all strings, as spaCy types them."""
    return doc.user_data


def _user_data_key(name: str, start_char: int, end_char: int) -> Tuple[str, str, int, int]:
    """RETURNS (Tuple[str, str, int, int]): Where spaCy keeps the value of an extension attribute of a span."""
    return "._.", name, start_char, end_char


def _is_taken(name: str) -> bool:
    """RETURNS (bool): Whether something else has registered an attribute of spans with a name of ours."""
    return Span.has_extension(name) and Span.get_extension(name)[2] not in (read_confidence, read_alternatives)


def _written(span: Span, name: str) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): For each label the value of an attribute that was written for a span's characters.
    Under "" it is for whatever label."""
    value = _values(span.doc).get(_user_data_key(name, span.start_char, span.end_char))
    if value is None or _is_taken(name):
        return {}
    # Where no component was made another library may have kept a value that is no dict.
    return value if isinstance(value, dict) else {"": value}


def _write(span: Span, name: str, value: Any) -> None:
    by_label = value if isinstance(value, dict) else {span.label_: value}
    _values(span.doc)[_user_data_key(name, span.start_char, span.end_char)] = {**_written(span, name), **by_label}
