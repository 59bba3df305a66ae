"""What every part of the library uses: its error for bad input, and files that are whole or not there."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


class InputError(ValueError):
    """Input that cannot be used as it is. Its message is for the person whose input it is."""


def printable(text: str) -> str:
    """RETURNS (str): A text that may hold the name of a file, with what of that is not UTF-8 written as escapes."""
    return text.encode("utf8", "backslashreplace").decode("utf8")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside a file or folder to write to, and move what is there into its place in the end, so that it is
    whole or as it was. A file is whole even if the machine stops.

    path (Path): The file or folder. The folder it is in is made if need be.
    YIELDS (Path): Where to write.
    RAISES (OSError): If it cannot be written; the error names a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        yield beside
        if path.is_dir():  # a folder that holds something cannot be replaced in one step
            old = path.with_name(f"{beside.name}-old")
            os.replace(path, old)
            os.replace(beside, path)
            shutil.rmtree(old)
        else:
            if beside.is_file():
                with beside.open("rb+") as file:
                    os.fsync(file.fileno())
            os.replace(beside, path)
    except OSError as err:
        if err.filename is not None or err.errno is None:
            raise
        raise OSError(err.errno, os.strerror(err.errno), str(path)) from err
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)
