"""The one shape in which every reader gives what it has read, and what it says of bad input."""

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Tuple


class Mention(NamedTuple):
    """An annotated entity.

    start (int): Its first token in a record of words, its first character in a record of text.
    end (int): The one after its last.
    label (str): Its label.
    kb_id (str): Its id in a knowledge base; ids of a composite mention are joined by "|".
    fragments (Tuple[Tuple[int, int], ...]): Start and end of each part, if it has several that are apart.
    """

    start: int
    end: int
    label: str
    kb_id: str = ""
    fragments: Tuple[Tuple[int, int], ...] = ()


@dataclass
class Record:
    """One document of a corpus, or one sentence of it: either words or a text.

    words (Optional[List[str]]): The tokens, if the source has its own.
    text (Optional[str]): The text, if it has not.
    mentions (List[Mention]): The entities as the source has them, overlapping ones included.
    missing (List[int]): The tokens (of words) whose annotation is missing.
    sent_starts (List[int]): The tokens, or characters, that start a sentence; empty if unknown.
    document (Optional[str]): The id of the document it belongs to, if the source has documents.
    cats (Dict[str, float]): Categories of the document, such as the intent of an utterance.
    """

    words: Optional[List[str]] = None
    text: Optional[str] = None
    mentions: List[Mention] = field(default_factory=list)
    missing: List[int] = field(default_factory=list)
    sent_starts: List[int] = field(default_factory=list)
    document: Optional[str] = None
    cats: Dict[str, float] = field(default_factory=dict)
