"""Files that hold an entry for each text: JSON Lines, JSON, Parquet."""

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple, TypeVar

from ..util import InputError
from .json_values import JsonError, parse, parse_elements
from .ledger import Ledger
from .lines import first_line, read_lines, read_text

Result = TypeVar("Result")
PARQUET = b"PAR1"
ROWS = 1000  # of Parquet, to hold at a time
_STARTS_WITH_TEXT = re.compile(r'\s*\[\s*"')


def read_entries(path: Path, ledger: Ledger, read: Callable[[Any], Result]) -> Iterator[Tuple[int, Result]]:
    """Read the entries of a file: the values on the lines of JSON Lines, the elements of a JSON array, the one value of
    other JSON, or the rows of Parquet.

    path (Path): The file.
    ledger (Ledger): Takes what cannot be read, by its line, or by its row in Parquet.
    read (Callable[[Any], Result]): Reads an entry, or raises InputError.
    YIELDS (Tuple[int, Result]): The line of each entry, and what was read.
    """
    for number, entry in _entries(path, ledger):
        try:
            result = read(entry)
        except InputError as err:
            ledger.error(number, str(err), path)
        except RecursionError:
            ledger.error(number, "found values nested too deeply", path)
        else:
            yield number, result


def first_entry(path: Path) -> Any:
    """RETURNS (Any): The first entry of a file, to judge its format by; None if the file has none.
    RAISES (InputError): If it is in Parquet, and cannot be read."""
    if not path.is_file():
        return None
    if is_parquet(path):
        try:
            return next((row for _, row in _rows(path, 1)), None)
        except InputError as err:
            raise InputError(f"{path}: {err}") from None
    try:
        line = first_line(path)
        if line.lstrip()[:1] not in ("{", "["):
            return None
        if not _is_whole(line):
            line = path.read_bytes().decode("utf8", "replace").removeprefix("\ufeff")
        value = line.lstrip()
        if value.startswith("[") and not _STARTS_WITH_TEXT.match(value):
            value = value[1:].lstrip()
        return _without_nulls(json.JSONDecoder().raw_decode(value)[0])
    except (ValueError, RecursionError):
        return None


def is_parquet(path: Path) -> bool:
    """RETURNS (bool): Whether a file is in Parquet, by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def parquet_metadata(path: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the schema of a Parquet file says of itself, as far as that is JSON."""
    with _open_parquet(path) as file:
        metadata = file.schema_arrow.metadata or {}
    found = {}
    for key, value in metadata.items():
        try:
            found[key.decode("utf8", "replace")] = json.loads(value)
        except (ValueError, RecursionError):
            pass
    return found


def _entries(path: Path, ledger: Ledger) -> Iterator[Tuple[int, Any]]:
    if is_parquet(path):
        try:
            yield from _rows(path, ROWS)
        except InputError as err:
            ledger.error(1, str(err), path)
    elif _is_whole(first_line(path)):
        for number, line in read_lines(path, ledger):
            if line.strip():
                try:
                    value = parse(line)
                except JsonError as err:
                    ledger.error(number, str(err), path)
                else:
                    yield from ((number, entry) for entry in _elements(value))
    else:
        text = read_text(path, ledger)
        if text is None or not text.strip():
            return
        try:
            yield from [(1, parse(text))] if _STARTS_WITH_TEXT.match(text) else parse_elements(text)
        except JsonError as err:
            ledger.error(err.line, str(err), path)


def _elements(value: Any) -> Any:
    """RETURNS (Any): The elements of an array of entries; of an entry, which may be an array that starts with its text,
    it alone."""
    return value if isinstance(value, list) and not (value and isinstance(value[0], str)) else [value]


def _is_whole(line: str) -> bool:
    """RETURNS (bool): Whether a line is JSON, so that the file is JSON Lines."""
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    except (ValueError, RecursionError):
        return True  # as JSON as such a value can be
    return True


def _rows(path: Path, size: int) -> Iterator[Tuple[int, Any]]:
    number = 0
    with _open_parquet(path) as file:
        for batch in file.iter_batches(size):
            for row in batch.to_pylist():
                number += 1
                yield number, _without_nulls(row)


@contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    """YIELDS (Any): pyarrow's ParquetFile.
    RAISES (InputError): If it cannot be read, or pyarrow is not there."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise InputError(
            "pyarrow is not installed, which reading Parquet needs: pip install 'spacy-bio-ner[scale]'"
        ) from None
    try:
        with ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (ArrowException, OSError, UnicodeDecodeError) as err:
        raise InputError(f"not Parquet as expected, or damaged ({err})") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
