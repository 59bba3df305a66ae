"""Which format a source is in, told by its content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Optional, Tuple, Union

from ...util import InputError
from .. import docbin
from ..ledger import Ledger
from ..options import Options
from ..record import Record
from ..tagged import Sentence
from . import (
    bioc,
    brat,
    conllu,
    hugging_face,
    jsonl,
    label_studio,
    list_table,
    massive,
    pubtator,
    rasa,
    slots,
    train_data,
    webanno,
    word_table,
)
from . import columns as bio

Reader = Callable[[Path, Ledger, Options], Iterator[Union[Record, Sentence]]]


@dataclass(frozen=True)
class Format:
    """A format.

    read (Reader): Reads a file or folder into records, or into sentences of tagged words.
    matches (Callable[[Path], bool]): Whether a file or folder is in the format.
    is_tagged (bool): Whether it gives sentences of tagged words.
    is_folder (Optional[bool]): Whether a source is a folder of files; None if it may be a file or a folder.
    has_splits (bool): Whether a file says of its records which split they belong to.
    takes (Tuple[str, ...]): The fields of Options that concern the format.
    """

    read: Reader
    matches: Callable[[Path], bool]
    is_tagged: bool = False
    is_folder: Optional[bool] = False
    has_splits: bool = False
    takes: Tuple[str, ...] = ()


# In the order in which they are tried: what is more particular comes first.
FORMATS: Dict[str, Format] = {
    "slots": Format(slots.read, slots.matches, is_tagged=True, is_folder=True),
    "brat": Format(brat.read, brat.matches, is_folder=True, takes=("offsets",)),
    "docbin": Format(docbin.read, docbin.matches),
    "pubtator": Format(pubtator.read, pubtator.matches, takes=("offsets",)),
    "webanno": Format(webanno.read, webanno.matches, is_folder=None, takes=("offsets", "entity_key")),
    "bioc": Format(bioc.read, bioc.matches, is_folder=None, takes=("offsets", "entity_key")),
    "rasa": Format(rasa.read, rasa.matches),
    "massive": Format(massive.read, massive.matches, has_splits=True),
    "label-studio": Format(label_studio.read, label_studio.matches, takes=("offsets",)),
    "train-data": Format(train_data.read, train_data.matches, takes=("offsets",)),
    "hugging-face": Format(hugging_face.read, hugging_face.matches, is_tagged=True, takes=("entity_key", "tag_names")),
    "jsonl": Format(jsonl.read, jsonl.matches, takes=("offsets", "entity_key")),
    "csv": Format(word_table.read, word_table.matches, is_tagged=True, takes=("entity_key",)),
    "list-table": Format(list_table.read, list_table.matches, is_tagged=True, takes=("entity_key", "tag_names")),
    "conllu": Format(conllu.read, conllu.matches, is_tagged=True, takes=("entity_key",)),
    # What is none of the others; its own errors then say what is wrong.
    "bio": Format(bio.read, Path.is_file, is_tagged=True, takes=("columns",)),
}
# What files start with that have to be unpacked first
ARCHIVES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, or a spreadsheet",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def detect_format(path: Path) -> str:
    """RETURNS (str): The name of the format of a file or folder.
    RAISES (InputError): If it is none."""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(6)
        for magic, kind in ARCHIVES.items():
            if start.startswith(magic):
                raise InputError(f"{path}: found a packed file ({kind}), expected a corpus: unpack it first")
    for name, format in FORMATS.items():
        if format.is_folder in (None, path.is_dir()) and format.matches(path):
            return name
    raise InputError(f"{path}: found a folder, expected a file")
