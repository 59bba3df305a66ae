"""The one shape in which every reader gives what it has read."""

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
    """One document of a corpus, or one sentence of it: either words or a text. Positions count the tokens of words, the
    characters of a text.

    words (Optional[List[str]]): The tokens, if the source has its own.
    text (Optional[str]): The text, if it has not.
    mentions (List[Mention]): The entities as the source has them, overlapping ones included.
    repaired (int): How many of them the reader has mended.
    missing (List[Tuple[int, int]]): Where annotation is missing, as starts and ends. Mentions inside are known.
    rejected (List[Mention]): Spans that are known to be no entities with their label.
    annotated_labels (Optional[List[str]]): The labels that the source annotates; None if it annotates all. Of others
        nothing is known.
    sent_starts (List[int]): Where sentences start; empty if unknown.
    document (Optional[str]): The id of the document it belongs to, if the source has documents.
    cats (Dict[str, float]): Categories of the document, such as the intent of an utterance.
    split (Optional[str]): The split it belongs to, if the source says so.
    """

    words: Optional[List[str]] = None
    text: Optional[str] = None
    mentions: List[Mention] = field(default_factory=list)
    repaired: int = 0
    missing: List[Tuple[int, int]] = field(default_factory=list)
    rejected: List[Mention] = field(default_factory=list)
    annotated_labels: Optional[List[str]] = None
    sent_starts: List[int] = field(default_factory=list)
    document: Optional[str] = None
    cats: Dict[str, float] = field(default_factory=dict)
    split: Optional[str] = None

    def content(self) -> str:
        """RETURNS (str): Its text, or its words with spaces between."""
        return " ".join(self.words or ()) if self.text is None else self.text
