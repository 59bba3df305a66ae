"""What tells one file, or folder of files, from another."""

import hashlib
from pathlib import Path


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
