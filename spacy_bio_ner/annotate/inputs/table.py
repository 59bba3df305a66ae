"""CSV, and TSV: a header, and a text in each row."""

import csv
import io
import sys
from pathlib import Path
from typing import Dict, Iterator, Sequence, Tuple

from ...util import InputError
from .item import Fields, Item, make_item
from .streams import open_stream


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read a file.

    path (Path): The file. Cells are parted by commas, or by tabs if the file's name ends in .tsv.
    name (str): Its name in places.
    fields (Fields): The columns to take.
    YIELDS (Item): An item for each row. An empty cell of text is an empty text.
    RAISES (InputError): If a column is not there.
    """
    for place, row in read_rows(path, name, (*fields.text, *filter(None, (fields.id, fields.date)))):
        yield make_item(row, fields, place)


def read_rows(path: Path, name: str, columns: Sequence[str]) -> Iterator[Tuple[str, Dict[str, str]]]:
    """Read the rows of a file.

    path (Path): The file.
    name (str): Its name in places.
    columns (Sequence[str]): The columns that have to be there.
    YIELDS (Tuple[str, Dict[str, str]]): The place of each row, by the line it ends on, and its cells by column.
    RAISES (InputError): If one of the columns is not there.
    """
    csv.field_size_limit(sys.maxsize)
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    # What is not UTF-8 is kept until the row it is in is known
    with io.TextIOWrapper(open_stream(path), encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        found = list(reader.fieldnames or ())
        check_columns(name, found, columns)
        for row in reader:
            yield f"{name}:{reader.line_num}", row


def check_columns(name: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    """RAISES (InputError): If a wanted column is not among those found."""
    for column in wanted:
        if column not in found:
            raise InputError(
                f"{name}: found the columns {', '.join(map(repr, found)) or 'none'}, expected {column!r}: "
                "name the right ones (--text-field, --id-field, --date-field)"
            )
