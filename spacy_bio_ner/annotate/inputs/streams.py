"""Input files as streams, decompressed where their name ends in .gz, .zst or .bz2. They are read once: their checksums,
and how far the work has come, are known from what passes by."""

import hashlib
import io
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Tuple, Union

import pyarrow

from ...util import InputError
from .item import Refused

COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
BLOCK = 1 << 18


@dataclass
class Progress:
    """What has been read of the inputs.

    n_bytes (int): How many bytes, of the files as they are stored.
    checksums (Dict[str, str]): The SHA-256 of each file that was read to its end, by its name.
    """

    n_bytes: int = 0
    checksums: Dict[str, str] = field(default_factory=dict)


@contextmanager
def open_stream(path: Path, name: str, progress: Progress) -> Iterator[io.BufferedReader]:
    """Open a file to read its content.

    path (Path): The file.
    name (str): Its name in the checksums.
    progress (Progress): Takes what is read.
    YIELDS (io.BufferedReader): The content.
    RAISES (OSError): If the file cannot be read or, while it is read, is damaged.
    RAISES (InputError): If it was changed meanwhile.
    """
    with refuse_changes(path, name) as file:
        tracked = _Tracked(file, progress)
        stream: Any = tracked
        if path.suffix.lower() in COMPRESSED:
            if not os.fstat(file.fileno()).st_size:
                raise OSError("found nothing, expected compressed data")
            python_file = pyarrow.PythonFile(tracked, mode="r")
            stream = pyarrow.CompressedInputStream(python_file, COMPRESSED[path.suffix.lower()])
        with io.BufferedReader(stream, BLOCK) as content:
            yield content
            while tracked.read(BLOCK):  # the checksum is that of the whole file
                pass
        progress.checksums[name] = tracked.digest.hexdigest()


@contextmanager
def refuse_changes(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file that must stay as it is until it is closed.

    path (Path): The file.
    name (str): Its name in the error.
    YIELDS (BinaryIO): The file, without a buffer.
    RAISES (InputError): If its size or the time of its last change became another.
    """
    with path.open("rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        yield file
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{name}: was changed while it was read. Leave the inputs alone until the run is finished")


class _Tracked(io.RawIOBase):
    """A file that tells what is read of it."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file, self._progress = file, progress
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n_bytes = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self.digest.update(memoryview(buffer)[:n_bytes])
        self._progress.n_bytes += n_bytes
        return n_bytes


def read_lines(path: Path, name: str, progress: Progress) -> Iterator[Tuple[str, Union[str, Refused]]]:
    """Read the lines of a file that are not blank. Only line feeds end a line.

    path (Path): The file, UTF-8 with or without a byte order mark.
    name (str): Its name in places.
    progress (Progress): Takes what is read.
    YIELDS (Tuple[str, Union[str, Refused]]): The place of each line, and the line without its end, or why there is
        none.
    """
    with open_stream(path, name, progress) as file:
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
