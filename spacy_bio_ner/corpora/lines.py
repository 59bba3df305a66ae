"""Text files: their lines, or all of their text, with what is not UTF-8 named by its place."""

from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from .ledger import Ledger


def read_lines(path: Path, ledger: Ledger) -> Iterator[Tuple[int, str]]:
    """Read the lines of a file. Only line feeds end a line, or carriage returns where there is no line feed: other
    characters that Unicode counts among line ends belong to the text, and offsets with them.

    path (Path): The file, UTF-8 with or without a byte order mark.
    ledger (Ledger): Takes the lines that are not UTF-8; they are left out.
    YIELDS (Tuple[int, str]): The number of each line, from 1, and the line without its end.
    """
    for number, raw in enumerate(_raw_lines(path), 1):
        try:
            line = raw.decode("utf8")
        except UnicodeDecodeError as err:
            byte = f"byte {raw[err.start]:#04x} at position {err.start + 1}"
            ledger.error(number, f"{byte} is not UTF-8: save the file as UTF-8", path)
            continue
        if number == 1:
            line = line.removeprefix("\ufeff")
        yield number, line.rstrip("\n").removesuffix("\r")


def read_text(path: Path, ledger: Ledger) -> Optional[str]:
    """Read a text as a whole: its line ends count among its characters.

    path (Path): The file, UTF-8 with or without a byte order mark.
    ledger (Ledger): Takes the error if it is not UTF-8.
    RETURNS (Optional[str]): The text; None if it is not UTF-8.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf8").removeprefix("\ufeff")
    except UnicodeDecodeError as err:
        number, position = raw.count(b"\n", 0, err.start) + 1, err.start - raw.rfind(b"\n", 0, err.start)
        byte = f"byte {raw[err.start]:#04x} at position {position}"
        ledger.error(number, f"{byte} is not UTF-8: save the file as UTF-8", path)
        return None


def first_line(path: Path) -> str:
    """RETURNS (str): The first line of a file that is not blank, to judge the file's format by."""
    if path.is_file():
        for raw in _raw_lines(path):
            line = raw.decode("utf8", errors="replace").removeprefix("\ufeff")
            if line.strip():
                return line
    return ""


def files_of(path: Path) -> List[Path]:
    """RETURNS (List[Path]): A file itself, or the files of a folder that are not hidden, sorted by their names."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def excerpt(value: Any) -> str:
    """RETURNS (str): What was found, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def is_encodable(text: str) -> bool:
    """RETURNS (bool): Whether a text can be written as UTF-8; a file's name that is not UTF-8 itself cannot."""
    try:
        text.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True


def _raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        first = file.readline()  # all of the file if it has no line feed
        if b"\r" in first and not first.endswith(b"\n"):
            yield from first.splitlines()  # as old Macs ended lines
        elif first:
            yield first
            yield from file
