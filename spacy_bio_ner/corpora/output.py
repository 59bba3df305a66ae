"""A folder that a conversion writes to: all of it appears at once, and nothing of others is touched."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Set

import srsly

from ..checksums import CHECKSUMS, read_checksums, write_checksums
from ..util import InputError, final_name
from .docbin import SUFFIX, is_shard
from .lines import excerpt
from .sources import is_file_name

LEDGER = "ledger.json"


@contextmanager
def all_or_nothing(dest: Path) -> Iterator[Path]:
    """Give a folder beside the destination to write in, and move what is in it into place at the end. What an earlier
    conversion that was killed has left there is removed first.

    dest (Path): The folder to write to.
    YIELDS (Path): The folder to write in.
    RAISES (InputError): If something that was not written here is in the way.
    RAISES (OSError): If something cannot be written; the error names it.
    """
    earlier = _written_to(dest)
    dest.parent.mkdir(parents=True, exist_ok=True)
    beside = dest.parent / f".{dest.name}-unfinished"
    _remove_unfinished(beside)
    try:
        beside.mkdir()
        yield beside
        names = {path.name for path in beside.iterdir()}
        write_checksums(beside, sorted(names))
        for name in earlier | names:
            _check_removable(dest / name)
        dest.mkdir(exist_ok=True)
        for name in earlier - names:
            _remove(dest / name)
        # The checksums go first: by them everything that is not yet in its place is known.
        os.replace(beside / CHECKSUMS, dest / CHECKSUMS)
        for name in sorted(names):
            _remove(dest / name)
            os.replace(beside / name, dest / name)
    except OSError as err:
        if err.filename is None or not Path(err.filename).is_relative_to(beside):
            raise
        raise OSError(err.errno, err.strerror, str(dest / Path(err.filename).relative_to(beside))) from err
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _written_to(dest: Path) -> Set[str]:
    """Find what an earlier conversion wrote to a folder, before anything there is replaced.

    dest (Path): The folder.
    RETURNS (Set[str]): The names of its files and folders; none if there was no conversion.
    RAISES (InputError): If its checksums or, of an earlier version, its ledger are none of ours. A name in them that is
        a path would lead out of the folder.
    """
    names = read_checksums(dest).keys() - {LEDGER}
    if not names and (dest / LEDGER).exists():
        names = {f"{name}{SUFFIX}" for name in _parts_of(dest / LEDGER)}
    for name in names:
        if not name.endswith(SUFFIX) or not is_file_name(name.removesuffix(SUFFIX)):
            raise InputError(
                f"{dest / CHECKSUMS}: names {excerpt(name)}, which is no part of a corpus: move it elsewhere"
            )
    return set(names)


def _parts_of(path: Path) -> List[str]:
    """RETURNS (List[str]): The names of the parts in a ledger.
    RAISES (InputError): If it is none of ours."""
    try:
        ledger = srsly.read_json(path)
    except (ValueError, OSError) as err:
        ledger = err
    if not isinstance(ledger, dict) or not all(is_file_name(name) for name in ledger):
        found = ledger if isinstance(ledger, Exception) else excerpt(ledger)
        raise InputError(
            f"{path}: found {found}, expected a ledger that 'bio-ner convert' wrote: remove that file, or give another "
            "folder to write to"
        )
    return list(ledger)


def _remove_unfinished(path: Path) -> None:
    """RAISES (InputError): If there is something in the folder that no conversion has written."""
    if path.is_dir() and not path.is_symlink():
        for entry in path.iterdir():
            name = final_name(entry) or entry.name
            if name not in (LEDGER, CHECKSUMS) and entry.suffix != SUFFIX:
                raise InputError(f"{entry}: was not written by 'bio-ner convert': move it, or give another folder")
            _check_removable(entry)
    _remove(path)


def _check_removable(path: Path) -> None:
    """RAISES (InputError): If a path is a folder with more in it than shards, which were written here."""
    if path.is_dir() and not path.is_symlink():
        others = sorted(entry for entry in path.iterdir() if not is_shard(entry))
        if others:
            raise InputError(f"{others[0]}: was not written by 'bio-ner convert': move it, or give another folder")


def _remove(path: Path) -> None:
    """Remove a file, or a folder of shards. Of a link the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
