"""Which format a source is in, told by its content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict

from ...util import InputError
from .. import docbin
from . import brat, jsonl, pubtator, slots
from . import columns as bio
from . import word_table as table


@dataclass(frozen=True)
class Format:
    """A file format.

    read (Callable): Reads a path into records, or into sentences of tagged words.
    matches (Callable[[Path], bool]): Whether a file (or a folder, if is_folder) is in the format.
    is_tagged (bool): Whether it gives sentences of tagged words.
    is_folder (bool): Whether a source is a folder of files.
    """

    read: Callable
    matches: Callable[[Path], bool]
    is_tagged: bool = False
    is_folder: bool = False


FORMATS: Dict[str, Format] = {
    "slots": Format(slots.read, slots.matches, is_tagged=True, is_folder=True),
    "brat": Format(brat.read, brat.matches, is_folder=True),
    "docbin": Format(docbin.read, docbin.matches),
    "pubtator": Format(pubtator.read, pubtator.matches),
    "jsonl": Format(jsonl.read, jsonl.matches),
    "csv": Format(table.read, table.matches, is_tagged=True),
    # What is none of the others; its own errors then say what is wrong.
    "bio": Format(bio.read, Path.is_file, is_tagged=True),
}


def detect_format(path: Path) -> str:
    """RETURNS (str): The name of the format of a file or folder.
    RAISES (InputError): If it is none."""
    for name, format in FORMATS.items():
        if format.is_folder == path.is_dir() and format.matches(path):
            return name
    raise InputError(f"{path}: found a folder, expected a file")
