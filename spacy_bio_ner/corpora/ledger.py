"""The account of a source: what became of everything in it, and what was wrong with it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

from ..util import printable
from .record import Mention

MAX_ERRORS = 10
MAX_EXAMPLES = 100


@dataclass
class Ledger:
    """The account of one source. Of its tokens and mentions, what was read is the sum of what was kept,
    repaired, snapped (moved outward to the edges of tokens), lost and refused.

    path (Path): The source.
    documents (int): The Docs written.
    sentences (int): The sentences read, where the source has sentences.
    tokens (Counter): What became of tokens, where the source has tokens: kept, refused.
    mentions (Counter): What became of mentions: kept, repaired, snapped, lost, refused.
    lost (Counter): Why mentions were lost.
    rejected (Counter): What became of spans that are known to be no entities: kept, or why they say nothing.
    passed_over (Counter): What of the source is no entity and was left out on purpose, by its kind.
    examples (Dict[str, List[str]]): For each reason, and for "snapped", the first mentions concerned.
    missing (int): The tokens whose annotation is missing.
    labels (Dict[str, str]): The labels, and where each occurs first.
    label_counts (Counter): How many mentions of each label were read.
    units (Counter): Of the mentions that do not come with their own text, and whose place depends on whether
        characters or UTF-16 units are counted, how many fit words: as "counted", and the "other" way.
    n_errors (int): How many things were refused.
    errors (List[str]): What the first of them are.
    """

    path: Path
    documents: int = 0
    sentences: int = 0
    tokens: Counter = field(default_factory=Counter)
    mentions: Counter = field(default_factory=Counter)
    lost: Counter = field(default_factory=Counter)
    rejected: Counter = field(default_factory=Counter)
    passed_over: Counter = field(default_factory=Counter)
    examples: Dict[str, List[str]] = field(default_factory=dict)
    missing: int = 0
    labels: Dict[str, str] = field(default_factory=dict)
    label_counts: Counter = field(default_factory=Counter)
    units: Counter = field(default_factory=Counter)
    n_errors: int = 0
    errors: List[str] = field(default_factory=list)

    def where(self, line: int, path: Optional[Path] = None) -> str:
        """RETURNS (str): A line of the source, or of another file that belongs to it, as messages name it."""
        return f"{path or self.path}:{line}"

    def error(self, line: int, message: str, path: Optional[Path] = None) -> None:
        """Note something that stops the source from being used.

        line (int): The line, from 1.
        message (str): What was found, what was expected, what to do.
        path (Optional[Path]): The file, if it is not the source itself.
        """
        self.n_errors += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(f"{self.where(line, path)}: {message}")

    def note_labels(self, mentions: Iterable[Mention], line: int, path: Optional[Path] = None) -> None:
        """Note where labels occur first.

        mentions (Iterable[Mention]): Mentions that were read.
        line (int): Their line.
        path (Optional[Path]): Their file, if it is not the source itself.
        """
        for mention in mentions:
            self.labels.setdefault(mention.label, self.where(line, path))

    def example(self, reason: str, text: str) -> None:
        """Note a mention as an example of what became of it."""
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(text)

    def to_json(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): What is kept of the account."""
        account: Dict[str, Any] = {
            "source": printable(str(self.path)),
            "documents": self.documents,
            "mentions": {"read": sum(self.mentions.values()), **self.mentions},
            "lost": dict(self.lost),
            "examples": self.examples,
            "missing_tokens": self.missing,
        }
        if self.rejected:
            account["rejected"] = {"read": sum(self.rejected.values()), **self.rejected}
        if +self.passed_over:
            account["passed_over"] = dict(+self.passed_over)
        return account
