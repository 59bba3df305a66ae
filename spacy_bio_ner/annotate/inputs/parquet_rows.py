"""Parquet: a text in each row."""

import hashlib
import os
from pathlib import Path
from typing import Any, Dict, Iterator, Union

import pyarrow
from pyarrow.parquet import ParquetFile

from .delimited import check_columns
from .item import Fields, Item, Refused, make_item
from .streams import BLOCK, Progress, refuse_changes

ROWS = 1000  # to hold at a time


def read(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file. Its parts are not read in their order, so that the checksum takes a reading of its own.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): The columns to take.
    progress (Progress): Takes what is read.
    YIELDS (Item): An item for each row.
    RAISES (InputError): If a column is not there, or is there twice, or the file was changed meanwhile.
    """
    before = progress.n_bytes
    with refuse_changes(path, name) as raw:
        with ParquetFile(pyarrow.PythonFile(raw, mode="r")) as file:
            found = file.schema_arrow.names
            check_columns(name, found, fields.named)
            wanted = {*fields.text, fields.id or "id", fields.date or "date"}
            bytes_per_row = os.fstat(raw.fileno()).st_size / max(1, file.metadata.num_rows)
            number = 0
            for batch in file.iter_batches(ROWS, columns=[column for column in found if column in wanted]):
                for row in _rows(batch):
                    number += 1
                    progress.n_bytes = before + int(number * bytes_per_row)
                    place = f"{name}:{number}"
                    yield Refused(None, place, row) if isinstance(row, str) else make_item(row, fields, place)
            digest = hashlib.sha256()
            raw.seek(0)
            while block := raw.read(BLOCK):
                digest.update(block)
    progress.checksums[name] = digest.hexdigest()


def _rows(batch: pyarrow.RecordBatch) -> Iterator[Union[Dict[str, Any], str]]:
    """RETURNS (Iterator[Union[Dict[str, Any], str]]): Each row, or why it cannot be read."""
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError):  # characters that are not UTF-8, dates that Python does not have
        for i in range(len(batch)):
            try:
                yield batch.slice(i, 1).to_pylist()[0]
            except (ValueError, OverflowError) as err:
                yield f"a value that cannot be read ({err}), expected characters of UTF-8"
    else:
        yield from rows
