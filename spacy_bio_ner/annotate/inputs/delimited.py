"""CSV and TSV: a header, and a text in each row."""

import csv
import io
from collections import Counter, deque
from pathlib import Path
from typing import Any, Deque, Dict, Iterator, List, Sequence, Tuple, Union

from ...corpora.lines import excerpt
from ...util import InputError
from .item import Fields, Item, Refused, make_item
from .streams import Progress, open_stream

MAX_CELL = 1 << 24  # characters; a quote that is never closed would take the rest of the file
SHOWN = 10  # of the columns that are there
CSV = {"delimiter": ","}
TSV = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}  # a quote in it is a character like any other


def read_csv(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file whose cells are parted by commas, and quoted where they need be.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): The columns to take.
    progress (Progress): Takes what is read.
    YIELDS (Item): An item for each row. An empty cell of text is an empty text.
    RAISES (InputError): If a column is not there, or is there twice.
    """
    return _read(path, name, fields, progress, CSV)


def read_tsv(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file whose cells are parted by tabs, and never quoted. The rest is as in read_csv."""
    return _read(path, name, fields, progress, TSV)


def _read(path: Path, name: str, fields: Fields, progress: Progress, dialect: Dict[str, Any]) -> Iterator[Item]:
    for place, row in read_rows(path, name, fields.named, progress, dialect):
        yield row if isinstance(row, Refused) else make_item(row, fields, place)


def read_rows(
    path: Path, name: str, columns: Sequence[str], progress: Progress, dialect: Dict[str, Any] = CSV
) -> Iterator[Tuple[str, Union[Dict[str, str], Refused]]]:
    """Read the rows of a file.

    path (Path): The file.
    name (str): Its name in places.
    columns (Sequence[str]): The columns that have to be there.
    progress (Progress): Takes what is read.
    dialect (Dict[str, Any]): CSV or TSV.
    YIELDS (Tuple[str, Union[Dict[str, str], Refused]]): The place of each row, by the line it begins on, and its cells
        by column, or why they cannot be read.
    RAISES (InputError): If one of the columns is not there, or any is there twice.
    """
    # What is not UTF-8 is kept until the row it is in is known
    with open_stream(path, name, progress) as binary:
        file = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="")
        header: List[str] = []
        for number, last, cells in _parse(file, dialect):
            place = f"{name}:{number}"
            if isinstance(cells, str):
                if not header:
                    raise InputError(f"{place}: {cells}")
                yield place, Refused(None, place, cells)
            elif not header:
                header = cells
                check_columns(place, header, columns)
            elif len(cells) != len(header):
                lines = f", to line {last}" if last > number else ""
                cause = f"found a row of {len(cells)} cells{lines}, expected {len(header)}, as many as the header has"
                yield place, Refused(None, place, cause)
            else:
                yield place, dict(zip(header, cells))
        if not header:
            check_columns(name, header, columns)


def check_columns(place: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Check the columns of a table.

    place (str): Where they were read.
    found (Sequence[str]): Their names.
    wanted (Sequence[str]): The names of those that have to be there.
    RAISES (InputError): If one of these is not there, or any is there twice. Several without a name are none twice.
    """
    for column in wanted:
        if column not in found:
            names = ", ".join(map(excerpt, found[:SHOWN])) or "none"
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise InputError(
                f"{place}: found the columns {names}{more}, expected {column!r}: "
                "name the right ones (--text-field, --id-field, --date-field)"
            )
    for column, n in Counter(filter(None, found)).items():
        if n > 1:
            raise InputError(f"{place}: found the column {excerpt(column)} {n} times, expected it once")


class _Lines:
    """The lines of a file, of which some can be given a second time."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self._again: Deque[str] = deque()
        self.taken: List[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self.taken.append(line)
        return line

    def give_again(self, lines: Sequence[str]) -> None:
        self._again.extendleft(reversed(lines))


def _parse(file: Iterator[str], dialect: Dict[str, Any]) -> Iterator[Tuple[int, int, Union[List[str], str]]]:
    """Parse rows. After one that cannot be parsed the next begins on the line that follows its first.

    file (Iterator[str]): The lines.
    dialect (Dict[str, Any]): How cells are parted and quoted.
    YIELDS (Tuple[int, int, Union[List[str], str]]): The numbers of the lines on which a row begins and ends, and its
        cells, or why it cannot be parsed. Blank rows are left out.
    """
    csv.field_size_limit(MAX_CELL)
    lines = _Lines(file)
    number = 1
    while True:
        lines.taken = []
        cells: Union[List[str], str, None]
        try:
            cells = next(csv.reader(lines, strict=True, **dialect), None)
        except csv.Error as err:
            cells = f"not CSV ({err}): is there a quote that is not closed, or not doubled inside a quoted cell?"
            lines.give_again(lines.taken[1:])
            lines.taken = lines.taken[:1]
        if cells is None:
            return
        last = number + len(lines.taken) - 1
        if cells:
            yield number, last, cells
        number = last + 1
