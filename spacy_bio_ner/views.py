"""A Doc's entities with their probabilities, for others than spaCy: as JSON, for displaCy, and as a table."""

from itertools import cycle
from typing import TYPE_CHECKING, Any, Dict, Iterable, Mapping, Optional

from spacy.tokens import Doc, Span
from spacy.util import escape_html

from .confidence import read_alternatives, read_confidence

if TYPE_CHECKING:
    from pandas import DataFrame

COLORS = ("#f3c98b", "#a9c8e8", "#b5d8b0", "#e3b5d2", "#cfc3e8", "#f2b8a6", "#bfdcdc", "#e0d68f")
# How opaque the colour of an entity is that is hardly probable. One that is certain has the whole colour.
PALEST = 0.25


def to_json(doc: Doc, ents: Optional[Iterable[Span]] = None) -> Dict[str, Any]:
    """Give a Doc as JSON: what spaCy's Doc.to_json gives, which Doc.from_json reads, with more about each entity.

    doc (Doc): The Doc.
    ents (Optional[Iterable[Span]]): The entities, such as entities_at gives them, by default doc.ents.
    RETURNS (Dict[str, Any]): Under "ents" each entity has its "start" and "end" character, its "label", its
        "probability", which is None if no bio_ner knows it, and its "alternatives": these have the same keys, and a
        "label" of None if they are no entity.
    """
    rows = []
    for ent in doc.ents if ents is None else ents:
        alternatives = [
            {**_place(other.span or ent), "label": other.span and other.span.label_, "probability": other.probability}
            for other in read_alternatives(ent)
        ]
        rows.append(
            {**_place(ent), "label": ent.label_, "probability": read_confidence(ent), "alternatives": alternatives}
        )
    return {**doc.to_json(), "ents": rows}


def to_displacy(
    doc: Doc, ents: Optional[Iterable[Span]] = None, colors: Optional[Mapping[str, str]] = None
) -> Dict[str, Any]:
    """Give a Doc to displaCy, with the probability of each entity beside its label. The less probable it is, the paler
    it is: displacy.render(to_displacy(doc), style="ent", manual=True).

    doc (Doc): The Doc.
    ents (Optional[Iterable[Span]]): The entities, such as entities_at gives them, by default doc.ents.
    colors (Optional[Mapping[str, str]]): For each label a colour as "#rrggbb"; by default those of label_colors.
    RETURNS (Dict[str, Any]): The input of displaCy.
    """
    ents = list(doc.ents if ents is None else ents)
    colors = label_colors(ent.label_ for ent in ents) if colors is None else colors
    shown = []
    for ent in ents:
        probability = read_confidence(ent)
        opacity = 1.0 if probability is None else PALEST + (1 - PALEST) * probability
        # displaCy escapes the text, but not the label.
        name = escape_html(ent.label_ if probability is None else f"{ent.label_} {probability:.2f}")
        params = {"label": name, "bg": f"{colors[ent.label_]}{round(255 * opacity):02x}"}
        shown.append({**_place(ent), "label": ent.label_, "params": params})
    return {"text": doc.text, "ents": shown, "title": None}


def to_table(docs: Iterable[Doc]) -> "DataFrame":
    """Give the entities of Docs as a table.

    docs (Iterable[Doc]): The Docs.
    RETURNS (DataFrame): A row for each entity: doc (the number of the Doc, from 0), start, end, text, label,
        probability and outside (the probability that none of its words is in any entity).
    RAISES (ImportError): If pandas is not installed.
    """
    from pandas import DataFrame

    rows = []
    for i, doc in enumerate(docs):
        for ent in doc.ents:
            outside = next((other.probability for other in read_alternatives(ent) if other.span is None), None)
            rows.append((i, *_place(ent).values(), ent.text, ent.label_, read_confidence(ent), outside))
    return DataFrame(rows, columns=["doc", "start", "end", "text", "label", "probability", "outside"])


def label_colors(labels: Iterable[str]) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): A colour for each label, in the order of the alphabet. After eight they come again."""
    return dict(zip(sorted(set(labels)), cycle(COLORS)))


def _place(span: Span) -> Dict[str, int]:
    return {"start": span.start_char, "end": span.end_char}
