"""Checksums: of files and folders, and of the JSON files of a run, which hold their own."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict

from ..util import InputError, atomic_write

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
    try:
        content = json.loads(path.read_bytes())
        if content.pop(CHECKSUM) == digest_json(content):
            return content
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        pass
    raise InputError(f"{path}: is damaged, or not what this version of spacy-bio-ner writes")
