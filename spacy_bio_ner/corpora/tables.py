"""CSV and TSV with a header."""

import csv
import sys
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

from ..util import InputError
from .ledger import Ledger
from .lines import excerpt

SAMPLE = 1 << 16  # bytes to tell a format by


def read_header(path: Path) -> List[str]:
    """RETURNS (List[str]): The names of a table's columns in lower case, to judge its format by."""
    with path.open("rb") as file:
        line = file.readline(SAMPLE).decode("utf-8-sig", "replace")
    delimiter = _delimiter(line)
    return [] if delimiter not in line else [name.strip(' "\r\n').lower() for name in line.split(delimiter)]


def read_rows(path: Path, ledger: Ledger) -> Iterator[Tuple[int, List[str]]]:
    """Read a table: rows of cells parted by commas, in which quotes hold a cell together, or by tabs, in which a quote
    is a character as any other.

    path (Path): The file, UTF-8, or else Latin-1, in which any byte is a character.
    ledger (Ledger): Takes the rows that cannot be read.
    YIELDS (Tuple[int, List[str]]): The line on which each row starts, and its cells, as many as in the header, which
        comes first, in lower case.
    RAISES (InputError): If a column's name stands twice in the header.
    """
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding=_encoding(path), newline="") as file:
        delimiter = _delimiter(file.readline(SAMPLE))
        file.seek(0)
        if delimiter == "\t":
            rows = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        else:
            rows = csv.reader(file, delimiter=delimiter, strict=True)
        header: List[str] = []
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as err:
                ledger.error(line, f"not CSV as expected: {err}, in the row that starts here")
                return
            if not header:
                header = row = [name.strip().lower() for name in row]
                twice = [name for name in header if name and header.count(name) > 1]
                if twice:
                    raise InputError(f"{path}:1: found the column {excerpt(twice[0])} twice, expected it once")
            elif len(row) != len(header) and row:
                ledger.error(line, f"found {len(row)} column(s), expected {len(header)}")
                continue
            yield line, row


def find_column(header: Sequence[str], names: Sequence[str]) -> int:
    """RETURNS (int): Which column has one of some names, the first of them that there is; -1 if none has."""
    return next((header.index(name) for name in names if name in header), -1)


def _delimiter(header: str) -> str:
    return "\t" if "\t" in header else "," if "," in header else ";"


def _encoding(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            while file.read(2**20):
                pass
        return "utf-8-sig"
    except UnicodeDecodeError:
        return "latin-1"
