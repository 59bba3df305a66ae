"""Checksums that tell whether what was written is still what it was: of files and folders, which checksums.json beside
them keeps, and of JSON files that hold their own."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Iterable

from .util import InputError, atomic_write

CHECKSUMS = "checksums.json"
CHECKSUM = "checksum"


def digest_file(path: Path) -> str:
    """RETURNS (str): The SHA-256 of a file.
    RAISES (OSError): If it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digest_folder(path: Path) -> str:
    """RETURNS (str): The SHA-256 of the names and contents of a folder's files.
    RAISES (OSError): If one cannot be read."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(path).as_posix()}\0{digest_file(file)}\n".encode())
    return digest.hexdigest()


def digest_json(content: Any) -> str:
    """RETURNS (str): The SHA-256 of something that JSON can hold."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write the checksums of some of a folder's files and folders beside them.

    folder (Path): The folder.
    names (Iterable[str]): Their names.
    """
    write_json(folder / CHECKSUMS, {name: _digest(folder / name) for name in names})


def read_checksums(folder: Path) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The checksums that were written to a folder, by name; none if there are none.
    RAISES (InputError): If they are damaged."""
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    found = _load(path)
    own = found.pop(CHECKSUM, None)  # the first that were written have none
    if not found or own not in (None, digest_json(found)) or not all(isinstance(sum, str) for sum in found.values()):
        raise InputError(f"{path}: is damaged. If it is not of bio-ner, move it elsewhere")
    return found


def is_as_written(path: Path, checksum: str) -> bool:
    """RETURNS (bool): Whether a file or folder is there and has this checksum."""
    return path.exists() and _digest(path) == checksum


def write_json(path: Path, content: Dict[str, Any]) -> None:
    """Write a JSON file with the checksum of its content.

    path (Path): The file.
    content (Dict[str, Any]): The content.
    """
    with atomic_write(path) as temporary:
        text = json.dumps({**content, CHECKSUM: digest_json(content)}, ensure_ascii=False, indent=1)
        temporary.write_text(text, encoding="utf8", errors="surrogatepass")


def read_json(path: Path) -> Dict[str, Any]:
    """Read a JSON file that holds its checksum.

    path (Path): The file.
    RETURNS (Dict[str, Any]): The content.
    RAISES (InputError): If the file is damaged, or was not written by write_json.
    RAISES (OSError): If it cannot be read.
    """
    content = _load(path)
    if content.pop(CHECKSUM, None) != digest_json(content):
        raise InputError(f"{path}: is damaged, or not what this version of bio-ner writes")
    return content


def _load(path: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The object in a JSON file; empty if there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest(path: Path) -> str:
    return digest_folder(path) if path.is_dir() else digest_file(path)
