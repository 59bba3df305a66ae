"""Which files are the inputs, and which kind each is of."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

import pyarrow

from ...util import InputError, printable
from ..job import Kind
from . import cord19, delimited, json_lines, parquet_rows, plain_text
from .item import Fields, Item, Refused, Text
from .streams import COMPRESSED, Progress, open_stream

Reader = Callable[[Path, str, Fields, Progress], Iterator[Item]]
READERS: Dict[Kind, Reader] = {
    Kind.text: plain_text.read_each_line,
    Kind.files: plain_text.read_whole,
    Kind.jsonl: json_lines.read,
    Kind.csv: delimited.read_csv,
    Kind.tsv: delimited.read_tsv,
    Kind.parquet: parquet_rows.read,
    Kind.cord19: cord19.read,
    Kind.cord19_json: cord19.read_file,
}
SUFFIXES = {
    ".txt": Kind.text,
    ".jsonl": Kind.jsonl,
    ".ndjson": Kind.jsonl,
    ".csv": Kind.csv,
    ".tsv": Kind.tsv,
    ".parquet": Kind.parquet,
    ".json": Kind.cord19_json,
}
TABLES = (Kind.csv, Kind.tsv, Kind.parquet, Kind.cord19)  # have columns, which can be the wrong ones
# How many of a source's items are looked at in search of a text, and how many reasons are shown if there is none
LOOKED_AT, SHOWN = 1000, 5


class InputFile(NamedTuple):
    """A file to read.

    name (str): What it is called in places and in the manifest.
    path (Path): The file.
    n_bytes (Optional[int]): Its size, if it is there.
    """

    name: str
    path: Path
    n_bytes: Optional[int]


@dataclass(frozen=True)
class Source:
    """An input.

    path (Path): The file, or the folder of a kind that consists of folders.
    name (str): What it is called in places and ids: its path from the folder that was named, and that one's name.
    kind (Kind): Its kind.
    """

    path: Path
    name: str
    kind: Kind

    @cached_property
    def files(self) -> List[InputFile]:
        """RETURNS (List[InputFile]): The files that are read."""
        if self.kind != Kind.cord19:
            return [InputFile(self.name, self.path, _size(self.path))]
        paths = cord19.files(self.path)
        return [InputFile(cord19.file_name(self.path, self.name, path), path, _size(path)) for path in paths]

    @property
    def n_bytes(self) -> int:
        """RETURNS (int): Their size."""
        return sum(file.n_bytes or 0 for file in self.files)


def find_sources(paths: Iterable[Path], kind: Optional[Kind] = None) -> Tuple[List[Source], List[Path]]:
    """Find the inputs.

    paths (Iterable[Path]): Files and folders, which are searched for files.
    kind (Optional[Kind]): The kind they are of. Told by the names of files if None, or else by their first line.
    RETURNS (Tuple[List[Source], List[Path]]): The inputs, in the order given, those of a folder sorted; and what is
        passed over in folders, since its kind is not known or it is no file (a linked folder, a pipe).
    RAISES (InputError): If there is none, or two have the same name.
    RAISES (OSError): If a folder cannot be searched.
    """
    sources, unknown = [], []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        name = printable(path.resolve().name)
        if path.is_dir() and (kind == Kind.cord19 or kind is None and cord19.matches(path)):
            sources.append(Source(path, name, Kind.cord19))
        elif path.is_dir():
            for file in _files_below(path):
                found = (kind or _by_name(file)) if file.is_file() or not file.exists() else None
                if found is None:
                    unknown.append(file)
                else:
                    sources.append(Source(file, f"{name}/{printable(file.relative_to(path).as_posix())}", found))
        elif path.is_file():
            sources.append(Source(path, name, kind or _by_name(path) or _by_content(path)))
        else:
            raise InputError(f"{path}: can be read once only, expected a file, or - for the standard input")
    if not sources:
        raise InputError("found no input: expected files that end in " + ", ".join(SUFFIXES))
    named: Dict[str, Path] = {}
    for source in sources:
        if named.setdefault(source.name, source.path) is not source.path:
            raise InputError(
                f"{source.path}: would be called {source.name} in the output, as is {named[source.name]}: "
                "rename one, or give the folder that holds both"
            )
    return sources, unknown


def read_items(sources: Sequence[Source], fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read the inputs. What keeps a file from being read to its end is an item too.

    sources (Sequence[Source]): The inputs.
    fields (Fields): The names of fields.
    progress (Progress): Takes what is read.
    YIELDS (Item): The items, in the order of the inputs.
    RAISES (InputError): If a file has not got the fields, or is changed while it is read.
    """
    for source in sources:
        n_read, before = 0, progress.n_bytes
        try:
            for item in READERS[source.kind](source.path, source.name, fields, progress):
                yield item
                n_read += 1
        except (OSError, pyarrow.ArrowException) as err:
            reason = getattr(err, "strerror", None) or err
            yield Refused(None, source.name, f"cannot be read any further, after {n_read} inputs: {reason}")
        progress.n_bytes = before + source.n_bytes


def check_fields(sources: Sequence[Source], fields: Fields) -> None:
    """See whether there is something to annotate, before anything is written: look at the header of every table, and
    at the first items of the inputs until one is a text.

    sources (Sequence[Source]): The inputs.
    fields (Fields): The names of fields.
    RAISES (InputError): If a table has not got the fields, or no text is found.
    """
    has_text, causes = False, []
    for source in sources:
        if not has_text or source.kind in TABLES:
            for item in islice(read_items([source], fields, Progress()), LOOKED_AT):
                if isinstance(item, Text):
                    has_text = True
                    break
                causes.append(f"{item.place}: {item.cause}")
    if not has_text:
        raise InputError("\n".join([f"found no text in the first {LOOKED_AT} items of each input", *causes[:SHOWN]]))


def _files_below(folder: Path) -> List[Path]:
    """RETURNS (List[Path]): The files below a folder, sorted, and the folders that are linked there. What is hidden is
    left out."""
    found: List[Path] = []

    def stop(err: OSError) -> NoReturn:
        raise err

    for parent, folders, files in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found.extend(Path(parent, name) for name in (*files, *linked) if not name.startswith("."))
    return sorted(found)


def _size(path: Path) -> Optional[int]:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _by_name(path: Path) -> Optional[Kind]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def _by_content(path: Path) -> Kind:
    """RETURNS (Kind): JSON Lines if the first line that is not blank is an object, and text if not."""
    try:
        with open_stream(path, path.name, Progress()) as file:
            line = next((line for line in file if line.strip()), b"")
        return Kind.jsonl if isinstance(json.loads(line), dict) else Kind.text
    except (OSError, ValueError, RecursionError):
        return Kind.text
