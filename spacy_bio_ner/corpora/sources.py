"""The parts of a corpus: which file, or folder, is train, dev and test."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Set, Union

from ..util import InputError
from .entries import first_entry
from .formats.registry import FORMATS, detect_format
from .lines import is_encodable
from .record import Record
from .tagged import Sentence

TRAIN, DEV, TEST = "train", "dev", "test"
SPLITS = (TRAIN, DEV, TEST)
# What splits are called. CoNLL's shared tasks call their dev split testa.
WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("dev", "devel", "development", "val", "valid", "validation", "testa"), DEV),
    **dict.fromkeys(("test", "testing", "testb"), TEST),
}
# Suffixes of files that lie beside a corpus and are no part of it
IGNORED = (".cfg", ".ini", ".log", ".md", ".pdf", ".py", ".sh", ".toml")
# Suffixes of files that are no part of it unless they are named for a split
UNNAMED = ("", ".gz", ".zip")
# Suffixes of files that are a part of it if they are named for a split, or their content is that of a corpus
DOUBTFUL = (".json", ".xml", ".yaml", ".yml")
# The share of each split, in percent, where a corpus is one file
SHARES = {TRAIN: range(80), DEV: range(80, 90), TEST: range(90, 100)}


@dataclass
class Division:
    """How the records of one source are divided among the splits: as it says itself, or else 80/10/10 by a hash of the
    document's id, so that a document stays whole, or of the text where the source has no documents, so that a text that
    occurs twice is not in two splits. It does not depend on order, so the division stays what it is.

    moved (Dict[int, str]): The splits of those that were moved so that every split has one, by their hashes.
    """

    moved: Dict[int, str] = field(default_factory=dict)

    def split_of(self, record: Union[Record, Sentence]) -> str:
        """RETURNS (str): The split of a record."""
        if record.split is not None:
            return name_split(record.split)
        digest = _digest(record)
        return self.moved.get(digest, _share_of(digest))

    def fill(self, records: Iterable[Union[Record, Sentence]], path: Path) -> Set[str]:
        """See to it that every split gets a document, if the source does not say itself which has which.

        records (Iterable[Union[Record, Sentence]]): All records of the source.
        path (Path): The source.
        RETURNS (Set[str]): The splits that have one.
        RAISES (InputError): If there are too few.
        """
        said: Set[str] = set()
        smallest: Dict[str, List[int]] = {split: [] for split in SPLITS}  # the smallest hashes, as many as may be moved
        for record in records:
            if record.split is not None:
                said.add(self.split_of(record))
                continue
            digest = _digest(record)
            hashes = smallest[_share_of(digest)]
            if digest not in hashes:
                hashes.append(digest)
                hashes.sort()
                del hashes[len(SPLITS) :]
        n_found = sum(map(len, smallest.values()))
        if said or not n_found:
            return said or set(SPLITS)
        if n_found < len(SPLITS):
            raise InputError(
                f"{path}: found {n_found} different text(s), too few for {', '.join(SPLITS)}: give a file for each, or "
                "name this one for the one that it is"
            )
        for split in SPLITS:
            if not smallest[split]:
                donor = max(SPLITS, key=lambda other: len(smallest[other]))
                self.moved[smallest[donor].pop(0)] = split
        return set(SPLITS)


@dataclass(frozen=True)
class Source:
    """A part of a corpus: a file or folder, or what of it belongs to a split.

    path (Path): The file or folder.
    format (str): The format it is in, by its content.
    division (Optional[Division]): How its records are divided among the splits; None if all belong to this part.
    """

    path: Path
    format: str
    division: Optional[Division] = None


def find_sources(path: Path) -> Dict[str, Source]:
    """Find the parts of a corpus.

    path (Path): A file, or a folder with a file (or, in some formats, a folder) for each of train, dev and
        test. If there is only one and it is not named for a split, its records are divided among the three.
    RETURNS (Dict[str, Source]): The parts by name: the split's, or their file's name up to its first dot.
    RAISES (InputError): If there are none, or something else stands in their place.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_file() or _is_source(path):
        paths = [path]
    else:
        paths = [entry for entry in sorted(path.iterdir()) if _is_part(entry)]
    if not paths:
        raise InputError(f"{path}: found no file to convert, expected files such as train.iob, dev.iob and test.iob")
    sources: Dict[str, Source] = {}
    for entry in paths:
        name = _name(entry)
        if name in sources:
            raise InputError(
                f"{entry}: would be written to the same file as {sources[name].path}: rename one of them, or put both "
                "into one file"
            )
        sources[name] = Source(entry, detect_format(entry))
    [first, *others] = sources
    if others or first in SPLITS or (path.is_file() and not FORMATS[sources[first].format].has_splits):
        return sources
    division = Division()
    return {split: replace(sources[first], division=division) for split in SPLITS}


def find_split(name: str) -> Optional[str]:
    """RETURNS (Optional[str]): The split that a file or folder is named for; None if its name has none, or several."""
    found = _splits_in(name)
    return found.pop() if len(found) == 1 else None


def name_split(word: str) -> str:
    """RETURNS (str): What a split is called here.
    RAISES (InputError): If there is none of that name."""
    if word.lower() not in WORDS:
        raise InputError(f"found the split {word!r}, expected {', '.join(SPLITS)}")
    return WORDS[word.lower()]


def is_file_name(name: str) -> bool:
    """RETURNS (bool): Whether a name is that of a file in a folder, and no path that leads elsewhere."""
    return Path(name).name == name not in ("", "..") and "\0" not in name and is_encodable(name)


def _splits_in(name: str) -> Set[str]:
    """RETURNS (Set[str]): The splits that are named by whole words of a name, which other characters than letters part,
    or capitals, as in CDR_TrainingSet."""
    words = (word for part in re.split(r"[\W\d_]+", name) for word in re.findall("[A-Z]*[^A-Z]+|[A-Z]+", part))
    return {WORDS[word.lower()] for word in words if word.lower() in WORDS}


def _is_part(path: Path) -> bool:
    """Whether a file or folder stands where a part of a corpus does."""
    suffix = path.suffix.lower()
    if path.name.startswith(".") or suffix in IGNORED:
        return False
    if find_split(path.name) is not None or _is_source(path):
        return True
    if suffix in DOUBTFUL and path.is_file():
        return _is_corpus(path)
    return suffix not in UNNAMED


def _is_corpus(path: Path) -> bool:
    """Whether the content of a file is that of a corpus, and not that of settings and the like."""
    format = detect_format(path)
    if format == "jsonl":
        entry = first_entry(path)
        return isinstance(entry, dict) and isinstance(entry.get("text", entry.get("data")), str)
    return format != "bio"


def _is_source(path: Path) -> bool:
    """Whether a folder is itself a source, of a format that consists of folders, or whose files may lie in one."""
    if not path.is_dir():
        return False
    if any(format.is_folder and format.matches(path) for format in FORMATS.values()):
        return True
    if any(_splits_in(entry.name) for entry in path.iterdir()):
        return False
    return any(format.is_folder is None and format.matches(path) for format in FORMATS.values())


def _name(path: Path) -> str:
    split = find_split(path.name)
    name = path.name.split(".")[0]
    if split is None and name.lower() in WORDS:
        raise InputError(f"{path}: is named for several splits: rename it")
    if split is None and not is_file_name(name):
        raise InputError(f"{path}: cannot name the part that is made of it: rename it, such as to train.iob")
    return split or name


def _digest(record: Union[Record, Sentence]) -> int:
    text = record.content() if record.document is None else record.document
    return int(hashlib.md5(text.encode("utf8", "surrogatepass")).hexdigest(), 16)


def _share_of(digest: int) -> str:
    return next(split for split, share in SHARES.items() if digest % 100 in share)
