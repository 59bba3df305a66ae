"""Parquet: a text in each row."""

from pathlib import Path
from typing import Iterator

from pyarrow.parquet import ParquetFile

from .item import Fields, Item, make_item
from .table import check_columns

ROWS = 1000  # to hold at a time


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read a file.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): The columns to take.
    YIELDS (Item): An item for each row.
    RAISES (InputError): If a column is not there.
    """
    with ParquetFile(path) as file:
        found = file.schema_arrow.names
        check_columns(name, found, [*fields.text, *filter(None, (fields.id, fields.date))])
        wanted = {*fields.text, fields.id or "id", fields.date or "date"}
        number = 0
        for batch in file.iter_batches(ROWS, columns=[column for column in found if column in wanted]):
            for row in batch.to_pylist():
                number += 1
                yield make_item(row, fields, f"{name}:{number}")
