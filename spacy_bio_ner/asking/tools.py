"""Documents as the tools read them in which people label."""

from enum import Enum
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

Entry = Dict[str, Any]


class Tool(str, Enum):
    """The tools."""

    prodigy = "prodigy"
    doccano = "doccano"


class Suggestion(NamedTuple):
    """A document to label.

    document (str): Its id.
    expected_errors (float): The errors that are expected among its entities, wrong ones and missed ones.
    text (str): Its text.
    entities (List[Tuple[int, int, str]]): The start, end and label of the entities found in it.
    """

    document: str
    expected_errors: float
    text: str
    entities: List[Tuple[int, int, str]]


def prodigy(suggestion: Suggestion) -> Entry:
    """RETURNS (Entry): A document as Prodigy reads it."""
    spans = [{"start": start, "end": end, "label": label} for start, end, label in suggestion.entities]
    meta = {"id": suggestion.document, "expected_errors": round(suggestion.expected_errors, 3)}
    return {"text": suggestion.text, "spans": spans, "meta": meta}


def doccano(suggestion: Suggestion) -> Entry:
    """RETURNS (Entry): A document as doccano reads it."""
    return {
        "text": suggestion.text,
        "label": [list(entity) for entity in suggestion.entities],
        "document": suggestion.document,
        "expected_errors": round(suggestion.expected_errors, 3),
    }


WRITERS: Dict[Tool, Callable[[Suggestion], Entry]] = {Tool.prodigy: prodigy, Tool.doccano: doccano}
