"""What became of a source: the ledger of its mentions, and what was wrong with it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

MAX_ERRORS = 10
MAX_EXAMPLES = 100


@dataclass
class Report:
    """The account of one source. Of its tokens and mentions, what was read is the sum of what was kept,
    repaired, snapped (moved outward to the edges of tokens), lost and refused.

    path (Path): The source.
    documents (int): The Docs written.
    sentences (int): The sentences read, where the source has sentences.
    tokens (Counter): What became of tokens, where the source has tokens: kept, refused.
    mentions (Counter): What became of mentions: kept, repaired, snapped, lost, refused.
    lost (Counter): Why mentions were lost.
    examples (Dict[str, List[str]]): For each reason, and for "snapped", the first mentions concerned.
    missing (int): The tokens whose annotation is missing.
    labels (Dict[str, str]): The labels, and where each occurs first.
    n_errors (int): How many things were refused.
    errors (List[str]): What the first of them are.
    """

    path: Path
    documents: int = 0
    sentences: int = 0
    tokens: Counter = field(default_factory=Counter)
    mentions: Counter = field(default_factory=Counter)
    lost: Counter = field(default_factory=Counter)
    examples: Dict[str, List[str]] = field(default_factory=dict)
    missing: int = 0
    labels: Dict[str, str] = field(default_factory=dict)
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

    def example(self, reason: str, text: str) -> None:
        """Note a mention as an example of what became of it."""
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(text)

    def to_json(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): The ledger of the source."""
        return {
            "source": str(self.path),
            "documents": self.documents,
            "mentions": {"read": sum(self.mentions.values()), **self.mentions},
            "lost": dict(self.lost),
            "examples": self.examples,
            "missing_tokens": self.missing,
        }
