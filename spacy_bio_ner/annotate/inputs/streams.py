"""Files as streams, decompressed where their name ends in .gz, .zst or .bz2."""

import io
from pathlib import Path
from typing import Iterator, Tuple

import pyarrow

from .item import Item, Refused

COMPRESSED = (".gz", ".zst", ".bz2")


def open_stream(path: Path) -> io.BufferedReader:
    """RETURNS (io.BufferedReader): The file's content, to be closed by the caller.
    RAISES (OSError): If the file cannot be read, or, while it is read, is damaged."""
    return io.BufferedReader(pyarrow.input_stream(str(path), compression="detect"))


def read_lines(path: Path, name: str) -> Iterator[Tuple[str, str | Item]]:
    """Read the lines of a file that are not blank. Only line feeds end a line.

    path (Path): The file, UTF-8 with or without a byte order mark.
    name (str): Its name in places.
    YIELDS (Tuple[str, str | Item]): The place of each line, and the line without its end, or why there is none.
    """
    with open_stream(path) as file:
        for number, raw in enumerate(file, 1):
            place = f"{name}:{number}"
            try:
                line = raw.decode("utf8")
            except UnicodeDecodeError as err:
                byte = f"byte {raw[err.start]:#04x} at position {err.start + 1}"
                yield place, Refused(None, place, f"{byte} is not UTF-8: save the file as UTF-8")
                continue
            if number == 1:
                line = line.removeprefix("\ufeff")
            line = line.rstrip("\n").removesuffix("\r")
            if line.strip():
                yield place, line
