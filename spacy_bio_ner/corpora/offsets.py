"""Places in a text, as files give them, checked and brought onto its characters."""

from typing import List, Optional, Sequence, Tuple

from ..util import InputError
from .ledger import Ledger
from .lines import excerpt
from .options import Offsets

Place = Tuple[int, int]

WAY_OUT = {
    Offsets.characters: "offsets seem to count UTF-16 units, as JavaScript and Java do: use --offsets utf16",
    Offsets.utf16: "offsets seem to count characters: use --offsets characters",
}
_LINE_BREAKS_TO_SPACES = str.maketrans("\r\n", "  ")


def locate(
    text: str, parts: Sequence[Place], offsets: Optional[Offsets], ledger: Ledger, said: Optional[str] = None
) -> List[Place]:
    """Find the characters of a mention.

    text (str): The text.
    parts (Sequence[Place]): Start and end of each part of it, as the source has them.
    offsets (Optional[Offsets]): What these count; characters if None.
    ledger (Ledger): Takes whether mentions without a text of their own fit words better if counted the other way.
    said (Optional[str]): The text of the mention as the source has it, if it has: that of its parts with spaces
        between, and spaces for line breaks.
    RETURNS (List[Place]): The first character of each part, and the one after its last.
    RAISES (InputError): If a part is outside the text, or the mention's text is another.
    """
    offsets = offsets or Offsets.characters
    places = [_place(text, part, offsets) for part in parts]
    others: List[Optional[Place]] = []
    if _has_pairs(text):
        others = [_place(text, part, next(unit for unit in Offsets if unit is not offsets)) for part in parts]
    fits_otherwise = bool(others) and None not in others and (said is None or _is_same(text, others, said))
    for (start, end), place in zip(parts, places):
        if place is None:
            raise InputError(
                f"found start {start} and end {end}, expected start before end, both inside the text of "
                f"{length(text, offsets)} characters{': ' + WAY_OUT[offsets] if fits_otherwise else ''}"
            )
    if said is not None and not _is_same(text, places, said):
        at = ", ".join(f"{start}-{end}" for start, end in parts)
        raise InputError(
            f"found the mention {excerpt(said)}, but the text has {excerpt(_join(text, places))} at {at}: "
            + (WAY_OUT[offsets] if fits_otherwise else "offsets count characters, line ends included")
        )
    if said is None and others and others != places:
        ledger.units["counted"] += _fit_words(text, places)
        ledger.units["other"] += _fit_words(text, others)
    return [place for place in places if place is not None]


def join_parts(text: str, parts: Sequence[Place]) -> List[Place]:
    """Put the parts of a mention in the order of the text, and join those with nothing but white space between, as brat
    cuts a mention at a line break.

    text (str): The text.
    parts (Sequence[Place]): The characters of each part.
    RETURNS (List[Place]): The parts that are apart.
    RAISES (InputError): If parts overlap.
    """
    joined: List[Place] = []
    for start, end in sorted(parts):
        if joined and start < joined[-1][1]:
            raise InputError(f"found parts that overlap at {start}, expected each of them once")
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def check_units(ledger: Ledger, offsets: Optional[Offsets]) -> None:
    """RAISES (InputError): If more mentions of a source fit words with its offsets counted the other way."""
    if ledger.units["other"] > ledger.units["counted"]:
        raise InputError(
            f"{ledger.path}: of the mentions behind an emoji or the like {ledger.units['counted']} fit words as they "
            f"are, {ledger.units['other']} if counted otherwise: {WAY_OUT[offsets or Offsets.characters]}"
        )


def _place(text: str, part: Place, offsets: Offsets) -> Optional[Place]:
    """RETURNS (Optional[Place]): The characters of a part, None if it has no place in the text."""
    start, end = part
    if not 0 <= start < end <= length(text, offsets):
        return None
    if offsets is Offsets.characters or not _has_pairs(text):
        return part
    units = text.encode("utf-16-le")
    try:
        before = len(units[: 2 * start].decode("utf-16-le"))
        return before, before + len(units[2 * start : 2 * end].decode("utf-16-le"))
    except UnicodeDecodeError:  # in the middle of a pair
        return None


def length(text: str, offsets: Optional[Offsets]) -> int:
    """RETURNS (int): The length of a text, as offsets count."""
    return len(text.encode("utf-16-le")) // 2 if offsets is Offsets.utf16 else len(text)


def _has_pairs(text: str) -> bool:
    """RETURNS (bool): Whether UTF-16 has two units for some character of a text."""
    return not text.isascii() and max(text) > "\uffff"


def _join(text: str, places: Sequence[Optional[Place]]) -> str:
    return " ".join(text[place[0] : place[1]] for place in places if place is not None)


def _is_same(text: str, places: Sequence[Optional[Place]], said: str) -> bool:
    return said.translate(_LINE_BREAKS_TO_SPACES) == _join(text, places).translate(_LINE_BREAKS_TO_SPACES)


def _fit_words(text: str, places: Sequence[Optional[Place]]) -> bool:
    """RETURNS (bool): Whether all parts start and end where words do."""
    return all(place is not None and _fits_words(text, *place) for place in places)


def _fits_words(text: str, start: int, end: int) -> bool:
    if text[start].isspace() or text[end - 1].isspace():
        return False
    cuts = ((text[max(start - 1, 0) : start], text[start]), (text[end - 1], text[end : end + 1]))
    return not any(before.isalnum() and after.isalnum() for before, after in cuts)
