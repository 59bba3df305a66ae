"""The lines of a text file, with what is not UTF-8 named by its place."""

from pathlib import Path
from typing import Any, Iterator, Tuple

from .ledger import Report


def read_lines(path: Path, report: Report) -> Iterator[Tuple[int, str]]:
    """Read the lines of a file. Only line feeds end a line: other characters that Unicode counts among line
    ends belong to the text, and offsets with them.

    path (Path): The file, UTF-8 with or without a byte order mark.
    report (Report): Takes the lines that are not UTF-8; they are left out.
    YIELDS (Tuple[int, str]): The number of each line, from 1, and the line without its end.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf8")
            except UnicodeDecodeError as err:
                byte = f"byte {raw[err.start]:#04x} at position {err.start + 1}"
                report.error(number, f"{byte} is not UTF-8: save the file as UTF-8", path)
                continue
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line.rstrip("\n").removesuffix("\r")


def first_line(path: Path) -> str:
    """RETURNS (str): The first line of a file that is not blank, to judge the file's format by."""
    if path.is_file():
        with path.open("rb") as file:
            for raw in file:
                line = raw.decode("utf8", errors="replace").removeprefix("\ufeff")
                if line.strip():
                    return line
    return ""


def excerpt(value: Any) -> str:
    """RETURNS (str): What was found, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
