"""The parts of a corpus: which file, or folder, is train, dev and test."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Optional

from ..util import InputError
from .formats.registry import FORMATS, detect_format

TRAIN, DEV, TEST = "train", "dev", "test"
ALIASES = {"training": TRAIN, "devel": DEV, "development": DEV, "val": DEV, "valid": DEV, "validation": DEV}
# Suffixes of files that lie beside a corpus and are no part of it.
IGNORED = ("", ".cfg", ".gz", ".json", ".md", ".py", ".zip")
# The share of each split, in percent, where a corpus is one file.
SHARES = {TRAIN: range(80), DEV: range(80, 90), TEST: range(90, 100)}


@dataclass(frozen=True)
class Source:
    """A part of a corpus: a file or folder, or the share of it that a hash gives to a split: of the document's id,
    so that a document stays whole, or of the text where the source has no documents, so that a text that occurs
    twice is not in two splits. It does not depend on order, so the split stays what it is.

    path (Path): The file or folder.
    format (str): The format it is in, by its content.
    share (Optional[range]): The hashes, modulo 100, of what belongs to it; all if None.
    """

    path: Path
    format: str
    share: Optional[range] = None

    def takes(self, document: Optional[str], text: str) -> bool:
        """RETURNS (bool): Whether a text, of a document if it is of one, belongs to this part."""
        if self.share is None:
            return True
        text = text if document is None else document
        return int(hashlib.md5(text.encode("utf8", "surrogatepass")).hexdigest(), 16) % 100 in self.share


def find_sources(path: Path) -> Dict[str, Source]:
    """Find the parts of a corpus.

    path (Path): A file, or a folder with a file (or, in some formats, a folder) for each of train, dev and
        test. If there is only one and it is not named for a split, it is split 80/10/10 by a hash.
    RETURNS (Dict[str, Source]): The parts by name: their file's name up to its first dot, or the split's.
    RAISES (InputError): If there are none, or something else stands in their place.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_file():
        return {_name(path): Source(path, detect_format(path))}
    paths = [path] if _is_source(path) else [entry for entry in sorted(path.iterdir()) if _is_part(entry)]
    if not paths:
        raise InputError(f"{path}: found no file to convert, expected files such as train.iob, dev.iob and test.iob")
    sources: Dict[str, Source] = {}
    for entry in paths:
        format = detect_format(entry)
        name = _name(entry)
        if name in sources:
            raise InputError(f"{entry}: would be written to the same file as {sources[name].path}: rename one of them")
        sources[name] = Source(entry, format)
    [first, *others] = sources
    if not others and first not in SHARES:
        return {split: replace(sources[first], share=share) for split, share in SHARES.items()}
    return sources


def _is_part(path: Path) -> bool:
    """Whether a file or folder stands where a part of a corpus does: not hidden, and named like one."""
    if path.name.startswith("."):
        return False
    return path.suffix.lower() not in IGNORED or _is_source(path) or (path.is_file() and _name(path) in SHARES)


def _is_source(path: Path) -> bool:
    """Whether a folder is itself a source, of a format that consists of folders."""
    return path.is_dir() and any(format.is_folder and format.matches(path) for format in FORMATS.values())


def is_file_name(name: str) -> bool:
    """RETURNS (bool): Whether a name is that of a file in a folder, and no path that leads elsewhere."""
    return Path(name).name == name not in ("", "..") and "\0" not in name


def _name(path: Path) -> str:
    name = path.name.split(".")[0]
    if not is_file_name(name):
        raise InputError(f"{path}: cannot name the part that is made of it: rename it, such as to train.iob")
    return ALIASES.get(name.lower(), name)
