"""Thresholds chosen after the pipeline has run: other entities for a Doc, without running it again."""

from typing import Dict, List, Union

from spacy.tokens import Doc, Span

from .confidence import read_left_out, read_scored
from .settings import checked


def entities_at(doc: Doc, threshold: Union[float, Dict[str, float]], spans_key: str = "bio_ner") -> List[Span]:
    """Find the entities that a Doc would have if the component had had another threshold. The Doc is only read, so that
    each of many callers can have a threshold of its own.

    doc (Doc): A Doc that the component has processed.
    threshold (Union[float, Dict[str, float]]): Entities less probable than this are left out: a number, or one for each
        label.
    spans_key (str): The component's spans_key. What other components have set is given as it is. If there is another
        bio_ner after this one, its entities would perhaps have been others, and its probabilities too.
    RETURNS (List[Span]): The entities in the order of the text.
    RAISES (ValueError): If the threshold has no meaning, or the Doc has no probabilities under this key.
    """
    if spans_key not in doc.spans:
        raise ValueError(f"The Doc has no probabilities in doc.spans[{spans_key!r}]: no bio_ner has processed it.")
    threshold = checked("threshold", threshold)

    def is_enough(probability: float, label: str) -> bool:
        return probability >= (threshold.get(label, 0.0) if isinstance(threshold, dict) else threshold)

    own = {scored[:3]: scored.probability for scored in read_scored(doc, spans_key) if scored.is_entity}
    places = ((ent, (ent.start_char, ent.end_char, ent.label_)) for ent in doc.ents)
    found = [ent for ent, place in places if place not in own or is_enough(own[place], ent.label_)]
    taken = {token.i for ent in found for token in ent}
    for (start, end, label), probability in read_left_out(doc, spans_key).items():
        span = doc.char_span(start, end, label=label)
        if span is not None and is_enough(probability, label) and taken.isdisjoint(range(span.start, span.end)):
            found.append(span)
    return sorted(found)
