"""What every part of the library uses: its error for bad input, and files that are whole or not there."""

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional

# What is being written: the name it will have, the machine, the process and a random number
_TEMPORARY = re.compile(r"\.(.+)-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}(?:-old)?", re.DOTALL)
_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]


class InputError(ValueError):
    """Input that cannot be used as it is. Its message is for the person whose input it is."""


def printable(text: str) -> str:
    """RETURNS (str): A text with what cannot be written as UTF-8, in the name of a file for instance, as escapes."""
    return text.encode("utf8", "backslashreplace").decode("utf8")


def describe_error(err: Exception) -> str:
    """RETURNS (str): What an error of any library says, with its type where that is not one that speaks to people."""
    return str(err) if isinstance(err, (OSError, ValueError, ImportError)) else f"{type(err).__name__}: {err}"


def pipeline_name(meta: Mapping[str, Any], path: Optional[Path]) -> str:
    """Name a pipeline. spaCy calls every pipeline "pipeline" until it is packaged under a name: until then the last two
    folders of its path say more.

    meta (Mapping[str, Any]): The pipeline's meta.
    path (Optional[Path]): The folder it was loaded from, if any.
    RETURNS (str): A name such as "en_medical_lstm" or "medical-lstm/model-best".
    """
    if meta.get("name", "pipeline") == "pipeline" and path is not None:
        return "/".join(path.resolve().parts[-2:])
    return f"{meta['lang']}_{meta['name']}"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path beside a file or folder to write to, and move what is there into its place in the end, so that it is
    whole or as it was. A file is whole even if the machine stops. With a folder goes what processes of this machine
    left half written when they were killed.

    path (Path): The file or folder. The folder it is in is made if need be.
    YIELDS (Path): Where to write.
    RAISES (OSError): If it cannot be written; the error names a file, in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield temporary
        is_folder = temporary.is_dir()
        if path.is_dir() and not is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if path.is_dir():  # a folder that holds something cannot be replaced in one step
            old = path.with_name(f"{temporary.name}-old")
            os.replace(path, old)
            os.replace(temporary, path)
            shutil.rmtree(old)
        else:
            if temporary.is_file():
                with temporary.open("rb+") as file:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        if is_folder:
            _remove_leftovers(path)
    except OSError as err:
        named = temporary if err.filename is None else Path(str(err.filename))
        if err.errno is None or not named.is_relative_to(temporary):
            raise
        raise OSError(err.errno, os.strerror(err.errno), str(path / named.relative_to(temporary))) from err
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def final_name(path: Path) -> Optional[str]:
    """RETURNS (Optional[str]): The name that a file or folder would have got, if it is one that atomic_write writes to
    for a while."""
    found = _TEMPORARY.fullmatch(path.name)
    return found and found[1]


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of a folder whose processes are dead."""
    for path in folder.parent.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if found and found[1] == folder.name and found[2] == _MACHINE and not _is_alive(int(found[3])):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """RETURNS (bool): Whether there is such a process on this machine, or it cannot be known."""
    if os.name == "nt":  # where os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no process at all
        pass
    return True
