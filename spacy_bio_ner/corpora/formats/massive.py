"""Amazon's MASSIVE: JSON Lines of utterances with their intent, slots marked in brackets, as in
"wake me up at [time : five am]", and the split that each belongs to.
"""

import re
from functools import partial
from pathlib import Path
from typing import Any, Iterator, List, Set

from pydantic import BaseModel, TypeAdapter

from ...util import InputError
from ..entries import first_entry, read_entries
from ..json_values import Name, Text, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..options import Options
from ..record import Mention, Record

_SLOT = re.compile(r"\[\s*([^\[\]:]*[^\[\]:\s])\s*:([^\[\]]*)\]")


class _Utterance(BaseModel):
    id: Text
    utt: Text
    annot_utt: Text
    intent: Name
    partition: Name


_UTTERANCE = TypeAdapter(_Utterance)


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file's first entry has an annotated utterance."""
    entry = first_entry(path)
    return isinstance(entry, dict) and "annot_utt" in entry


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the labels, and what cannot be read.
    options (Options): Not used: the format is one alone.
    YIELDS (Record): The utterances. Their categories are all intents of the file, 1.0 for their own.
    """
    intents: Set[str] = set()
    for _, utterance in read_entries(path, Ledger(path), partial(validate, _UTTERANCE)):
        intents.add(utterance.intent)
    for line, record in read_entries(path, ledger, partial(_read_entry, sorted(intents))):
        ledger.note_labels(record.mentions, line)
        yield record


def _read_entry(intents: List[str], entry: Any) -> Record:
    utterance = validate(_UTTERANCE, entry)
    return Record(
        text=utterance.utt,
        mentions=_find_slots(utterance),
        document=utterance.id,
        cats={intent: float(intent == utterance.intent) for intent in intents},
        split=utterance.partition,
    )


def _find_slots(utterance: _Utterance) -> List[Mention]:
    """Find where the slots of an annotated utterance are in the utterance itself. The annotated one may have blanks
    that the utterance has not, so characters are counted without them.

    RAISES (InputError): If the two are not the same text.
    """
    marked, pieces, end = [], [], 0
    for slot in _SLOT.finditer(utterance.annot_utt):
        pieces += [utterance.annot_utt[end : slot.start()], slot[2]]
        start = sum(map(_count, pieces[:-1]))
        marked.append((slot[1], start, start + _count(slot[2])))
        end = slot.end()
    pieces.append(utterance.annot_utt[end:])
    places = [i for i, char in enumerate(utterance.utt) if not char.isspace()]
    if "".join("".join(pieces).split()) != "".join(utterance.utt.split()):
        raise InputError(
            f"found the annotated utterance {excerpt(utterance.annot_utt)}, but the utterance {excerpt(utterance.utt)}"
        )
    if any(start == end for _, start, end in marked):
        raise InputError(f"found a slot without text in {excerpt(utterance.annot_utt)}")
    return [Mention(places[start], places[end - 1] + 1, label) for label, start, end in marked]


def _count(text: str) -> int:
    """RETURNS (int): The characters of a text that are no white space."""
    return len("".join(text.split()))
