"""Thresholds chosen after the pipeline has run: other entities for a Doc, without running it again."""

from typing import Dict, List, Optional, Union

from spacy.tokens import Doc, Span

from .confidence import confidence_keys, read_left_out, read_scored
from .settings import checked


def entities_at(doc: Doc, threshold: Union[float, Dict[str, float]], spans_key: Optional[str] = None) -> List[Span]:
    """Find the entities that a Doc would have if the component had had another threshold. The Doc is only read, so that
    each of many callers can have a threshold of its own.

    doc (Doc): A Doc that the component has processed. What others have set in it is given as it is.
    threshold (Union[float, Dict[str, float]]): Entities less probable than this are left out: a number, or one for each
        label.
    spans_key (Optional[str]): The component's spans_key. By default the threshold is for all components of this kind
        that have processed the Doc. With fewer entities of one before it, another could have found others, and with
        other probabilities: that is not known.
    RETURNS (List[Span]): The entities in the order of the text.
    RAISES (ValueError): If the threshold has no meaning, or the Doc has no probabilities (under this key).
    """
    keys = [key for key in confidence_keys(doc) if spans_key in (None, key)]
    if not keys:
        where = "doc.spans" if spans_key is None else f"doc.spans[{spans_key!r}]"
        raise ValueError(f"The Doc has no probabilities in {where}: no bio_ner has processed it.")
    threshold = checked("threshold", threshold)

    def is_enough(probability: float, label: str) -> bool:
        return probability >= (threshold.get(label, 0.0) if isinstance(threshold, dict) else threshold)

    own = {row[:3]: row.probability for key in keys for row in read_scored(doc, key) if row.is_entity}
    left_out = [item for key in keys for item in read_left_out(doc, key).items()]
    places = ((ent, (ent.start_char, ent.end_char, ent.label_)) for ent in doc.ents)
    found = [ent for ent, place in places if place not in own or is_enough(own[place], ent.label_)]
    taken = {token.i for ent in found for token in ent}
    for (start, end, label), probability in left_out:
        span = doc.char_span(start, end, label=label)
        if span is not None and is_enough(probability, label) and taken.isdisjoint(range(span.start, span.end)):
            found.append(span)
            taken.update(range(span.start, span.end))
    return sorted(found)
