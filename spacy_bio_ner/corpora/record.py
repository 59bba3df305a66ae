"""The one shape in which every reader gives what it has read, and what it says of bad input."""

from dataclasses import dataclass
from typing import List, NamedTuple, Optional


class Mention(NamedTuple):
    """An annotated entity: its first token, the token after its last, and its label."""

    start: int
    end: int
    label: str


@dataclass
class Record:
    """One document of a corpus, or one sentence of it, in its source's own tokens.

    words (List[str]): The tokens.
    mentions (List[Mention]): The entities, in order, not overlapping.
    missing (List[int]): The tokens whose annotation is missing.
    sent_starts (List[int]): The tokens that start a sentence.
    document (Optional[str]): The document it belongs to, if the source has documents.
    """

    words: List[str]
    mentions: List[Mention]
    missing: List[int]
    sent_starts: List[int]
    document: Optional[str] = None

    def extend(self, other: "Record") -> None:
        """Append another record's tokens and annotation to this one's."""
        offset = len(self.words)
        self.words += other.words
        self.mentions += [Mention(m.start + offset, m.end + offset, m.label) for m in other.mentions]
        self.missing += [i + offset for i in other.missing]
        self.sent_starts += [i + offset for i in other.sent_starts]


class CorpusError(ValueError):
    """Input that cannot be used as it is. Its message is for the person whose input it is."""
