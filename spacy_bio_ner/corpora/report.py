"""What became of a source: what was read, kept, repaired and refused."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

from .tags import Scheme

MAX_EXAMPLES = 10


@dataclass
class Report:
    """The account of one source. For tokens and for entities, what was read is the sum of what was kept,
    repaired and refused.

    path (Path): The source.
    scheme (Scheme): The scheme of its tags.
    documents (int): The Docs written.
    sentences (int): The sentences read.
    tokens (Counter): How many were kept and refused.
    entities (Counter): How many were kept, repaired and refused.
    missing (int): The tokens without annotation, among those kept.
    labels (Dict[str, str]): The labels, and where each occurs first.
    n_errors (int): How many things were refused.
    errors (List[str]): What the first of them are.
    """

    path: Path
    scheme: Scheme
    documents: int = 0
    sentences: int = 0
    tokens: Counter = field(default_factory=Counter)
    entities: Counter = field(default_factory=Counter)
    missing: int = 0
    labels: Dict[str, str] = field(default_factory=dict)
    n_errors: int = 0
    errors: List[str] = field(default_factory=list)

    def where(self, line: int) -> str:
        """RETURNS (str): A line of the source, as messages name it."""
        return f"{self.path}:{line}"

    def error(self, line: int, message: str) -> None:
        """Note something that stops the source from being used."""
        self.n_errors += 1
        if len(self.errors) < MAX_EXAMPLES:
            self.errors.append(f"{self.where(line)}: {message}")

    def rows(self) -> List[Tuple[str, int, int, int, int]]:
        """RETURNS (List[Tuple[str, int, int, int, int]]): Tokens and entities: read, kept, repaired, refused."""
        return [
            (name, sum(counts.values()), counts["kept"], counts["repaired"], counts["refused"])
            for name, counts in (("tokens", self.tokens), ("entities", self.entities))
        ]
