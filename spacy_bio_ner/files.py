"""Files that are whole or not there."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


@contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Give a path beside a file to write to, and move what is there into the file's place in the end, so that a
    file is whole or as it was, even if the machine stops.

    path (Path): The file. Its folder is made if need be.
    YIELDS (Path): Where to write.
    RAISES (OSError): If it cannot be written; the error names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as err:
        if err.filename is not None or err.errno is None:
            raise
        raise OSError(err.errno, os.strerror(err.errno), str(path)) from err
    finally:
        beside.unlink(missing_ok=True)
