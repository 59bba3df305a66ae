"""Which files are the inputs, and which kind each is of."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import pyarrow

from ...corpora.formats import jsonl as annotated_jsonl
from ...util import InputError, atomic_write
from ..fingerprint import digest_file
from . import cord19, jsonl, parquet, table, text, whole
from .item import Fields, Item, Refused
from .streams import COMPRESSED

STDIN = "-"
Reader = Callable[[Path, str, Fields], Iterator[Item]]
KINDS: Dict[str, Reader] = {
    "text": text.read,
    "files": whole.read,
    "jsonl": jsonl.read,
    "csv": table.read,
    "parquet": parquet.read,
    "cord19": cord19.read,
    "cord19-json": cord19.read_file,
}
SUFFIXES = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "cord19-json",
}


@dataclass(frozen=True)
class Source:
    """An input.

    path (Path): The file, or the folder of a kind that consists of folders.
    name (str): What it is called in places and ids: its path from the folder that was named, and that one's name.
    kind (str): Its kind, one of KINDS.
    """

    path: Path
    name: str
    kind: str

    def files(self) -> List[Tuple[str, Path]]:
        """RETURNS (List[Tuple[str, Path]]): The names and paths of the files that are read."""
        if self.kind != "cord19":
            return [(self.name, self.path)]
        return [(f"{self.name}/{path.relative_to(self.path)}", path) for path in cord19.files(self.path)]


def find_sources(paths: Iterable[Path], kind: Optional[str] = None) -> Tuple[List[Source], List[Path]]:
    """Find the inputs.

    paths (Iterable[Path]): Files and folders, which are searched for files.
    kind (Optional[str]): The kind they are of. Told by the names of files if None, or else by their first line.
    RETURNS (Tuple[List[Source], List[Path]]): The inputs, in the order given, those of a folder sorted, and the files
        of folders whose kind is not known.
    RAISES (InputError): If there is none, or two have the same name.
    """
    sources, unknown = [], []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        name = path.resolve().name
        if path.is_dir() and (kind == "cord19" or kind is None and cord19.matches(path)):
            sources.append(Source(path, name, "cord19"))
        elif path.is_dir():
            for file in sorted(path.rglob("*")):
                relative = file.relative_to(path)
                if file.is_dir() or any(part.startswith(".") for part in relative.parts):
                    continue
                found = kind or _by_name(file)
                if found is None:
                    unknown.append(file)
                else:
                    sources.append(Source(file, f"{name}/{relative.as_posix()}", found))
        else:
            sources.append(Source(path, name, kind or _by_name(path) or _by_content(path)))
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


def read_items(sources: Sequence[Source], fields: Fields) -> Iterator[Item]:
    """Read the inputs. What keeps a file from being read to its end is an item too.

    sources (Sequence[Source]): The inputs.
    fields (Fields): The names of fields.
    YIELDS (Item): The items, in the order of the inputs.
    RAISES (InputError): If a file has not got the fields.
    """
    for source in sources:
        n_read = 0
        try:
            for item in KINDS[source.kind](source.path, source.name, fields):
                yield item
                n_read += 1
        except (OSError, pyarrow.ArrowException) as err:
            reason = getattr(err, "strerror", None) or err
            yield Refused(None, source.name, f"cannot be read any further, after {n_read} inputs: {reason}")


def spool(stream: BinaryIO, path: Path) -> None:
    """Write a stream to disk, so that it can be read again. An empty one leaves what was written before.

    stream (BinaryIO): The stream.
    path (Path): The file to write.
    RAISES (InputError): If other data was written before, or the stream is empty and nothing was.
    """
    with atomic_write(path) as beside:
        with beside.open("wb") as file:
            while block := stream.read(1 << 20):
                file.write(block)
        if beside.stat().st_size == 0:
            if path.exists():
                beside.write_bytes(path.read_bytes())
            else:
                raise InputError("the standard input is empty, expected texts, or JSON Lines")
        elif path.exists() and digest_file(beside) != digest_file(path):
            raise InputError(f"the standard input is another than that of the run before, which is in {path}")


def _by_name(path: Path) -> Optional[str]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def _by_content(path: Path) -> str:
    return "jsonl" if annotated_jsonl.matches(path) else "text"
