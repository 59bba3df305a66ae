"""The standard input, which is written to disk first, so that it can be read again when the run goes on."""

import hashlib
from pathlib import Path
from typing import BinaryIO, Optional

from ...checksums import digest_file, read_json, write_json
from ...util import InputError, atomic_write
from .streams import BLOCK


def spool(stream: BinaryIO, path: Path) -> None:
    """Write a stream to disk, and its checksum beside it. If nothing is in the stream, what was written before counts.

    stream (BinaryIO): The stream.
    path (Path): The file to write.
    RAISES (InputError): If other data was written before; or if nothing is in the stream, and what was written before
        is damaged or not there.
    """
    record = path.with_name(f"{path.name}.json")
    digest, block = hashlib.sha256(), stream.read(BLOCK)
    if not block:
        if not path.exists():
            raise InputError("the standard input is empty, expected texts, or JSON Lines")
        if _read_record(record) != digest_file(path):
            raise InputError(f"{path}: is damaged: give the whole of the standard input again")
        return
    with atomic_write(path) as temporary:
        with temporary.open("wb") as file:
            while block:
                digest.update(block)
                file.write(block)
                block = stream.read(BLOCK)
        before = _read_record(record) or (digest_file(path) if path.exists() else None)
        if before not in (None, digest.hexdigest()):
            raise InputError(f"the standard input is another than that of the run before, which is in {path}")
    write_json(record, {"sha256": digest.hexdigest()})


def _read_record(path: Path) -> Optional[str]:
    """RETURNS (Optional[str]): The checksum that was written, if it is whole."""
    try:
        return read_json(path)["sha256"]
    except (InputError, OSError):
        return None
