"""Answers that people gave to an annotation tool, put together: a text marked in full, or yes or no to one span."""

import hashlib
from dataclasses import replace
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from .ledger import Ledger
from .lines import excerpt
from .record import Mention, Record

ACCEPT, REJECT, IGNORE = "accept", "reject", "ignore"


class Answer(NamedTuple):
    """An answer.

    record (Record): The text, with the mentions that were marked or asked about.
    verdict (Optional[str]): accept, reject or ignore; None if nobody was asked, as in other tools' files.
    is_binary (bool): Whether it says yes or no to the mentions, and nothing about the rest of the text.
    """

    record: Record
    verdict: Optional[str] = None
    is_binary: bool = False


def put_together(answers: Iterable[Tuple[int, Answer]], ledger: Ledger) -> Iterator[Record]:
    """Make one record of all yes and no to a text; texts that were marked in full are records of their own. Nothing
    certain follows from no to several spans at once, or to a text that was marked in full.

    answers (Iterable[Tuple[int, Answer]]): The answers, and their lines.
    ledger (Ledger): Takes the labels, the answers that are passed over, and those that contradict others.
    YIELDS (Record): The records, those of yes and no last.
    """
    marked: Dict[bytes, Tuple[int, List[Mention]]] = {}
    asked: Dict[bytes, _YesAndNo] = {}
    for line, (record, verdict, is_binary) in answers:
        if verdict == IGNORE:
            ledger.passed_over["ignored answers"] += 1
        elif not is_binary and verdict == REJECT:
            ledger.passed_over["rejected texts"] += 1
        elif not is_binary:
            ledger.note_labels(record.mentions, line)
            if verdict == ACCEPT:
                marked[_key(record)] = line, record.mentions
            yield record
        elif not record.mentions or (verdict == REJECT and len(record.mentions) > 1):
            ledger.passed_over["answers about no span or, rejected, about several"] += 1
        else:
            asked.setdefault(_key(record), _YesAndNo(record)).add(line, record.mentions, verdict == ACCEPT, ledger)
    for key, answer in asked.items():
        if key in marked:
            answer.compare(*marked[key], ledger)
        else:
            yield answer.to_record()


class _Asked(NamedTuple):
    """The first answer about a span."""

    line: int
    mention: Mention
    is_accepted: bool


class _YesAndNo:
    """The answers about spans of one text."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.answers: Dict[Tuple[int, int, str], _Asked] = {}

    def add(self, line: int, mentions: List[Mention], is_accepted: bool, ledger: Ledger) -> None:
        for mention in mentions:
            new = _Asked(line, mention, is_accepted)
            first = self.answers.setdefault(_span(mention), new)
            if first.is_accepted != is_accepted:
                ledger.error(line, f"{self._name(new)}, but line {first.line} says otherwise: keep one")
            elif first is not new:
                ledger.passed_over["answers given before"] += 1
            elif is_accepted:
                ledger.note_labels([mention], line)

    def compare(self, line: int, mentions: List[Mention], ledger: Ledger) -> None:
        """Look whether the answers agree with what was marked in full. Then they say nothing new."""
        marked = set(map(_span, mentions))
        for span, asked in self.answers.items():
            if asked.is_accepted == (span in marked):
                ledger.passed_over["answers about texts marked in full"] += 1
            else:
                said = f"{self._name(asked)}, but line {line}, which marks all of this text, says otherwise"
                ledger.error(asked.line, f"{said}: keep one")

    def to_record(self) -> Record:
        return replace(
            self.record,
            mentions=[asked.mention for asked in self.answers.values() if asked.is_accepted],
            rejected=[asked.mention for asked in self.answers.values() if not asked.is_accepted],
            missing=[(0, len(self.record.content()))],
        )

    def _name(self, asked: _Asked) -> str:
        text = self.record.content()[asked.mention.start : asked.mention.end]
        return f"found {excerpt(text)} {'accepted' if asked.is_accepted else 'rejected'} as {asked.mention.label}"


def _span(mention: Mention) -> Tuple[int, int, str]:
    return mention.start, mention.end, mention.label


def _key(record: Record) -> bytes:
    return hashlib.blake2b(record.content().encode("utf8"), digest_size=16).digest()
