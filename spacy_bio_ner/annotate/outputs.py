"""The tables that a run writes, one file of each for each shard, and the record that says the shard is whole.

    documents/00000.parquet  entities/00000.parquet  candidates/00000.parquet  shards/00000.json  ...  errors.jsonl

The record is written last: a shard without one is done again, and writes the same files.
"""

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import pyarrow
from pyarrow.dataset import Dataset, JsonFileFormat, ParquetFileFormat, dataset
from pyarrow.json import ReadOptions
from pyarrow.parquet import write_table

from ..util import InputError, atomic_write
from .inputs.item import Refused

DOCUMENTS, ENTITIES, CANDIDATES, RECORDS, ERRORS = "documents", "entities", "candidates", "shards", "errors.jsonl"
MAX_ROW = 1 << 26  # bytes of a row of JSON: a text of nlp.max_length characters, however they are escaped
FORMATS = {"parquet": ParquetFileFormat(), "jsonl": JsonFileFormat(read_options=ReadOptions(block_size=MAX_ROW))}
MODEL = ("model", "model_version", "model_hash")  # the columns that tell the pipeline
_MODEL = [(name, pyarrow.string()) for name in MODEL]
_SPANS = pyarrow.schema(
    [
        ("document", pyarrow.string()),
        ("start", pyarrow.int64()),
        ("end", pyarrow.int64()),
        ("text", pyarrow.string()),
        ("label", pyarrow.string()),
        ("probability", pyarrow.float64()),
        *_MODEL,
    ]
)
SCHEMAS = {
    DOCUMENTS: pyarrow.schema(
        [
            ("document", pyarrow.string()),
            ("date", pyarrow.string()),
            ("text", pyarrow.string()),
            ("tokens", pyarrow.int64()),
            ("entities", pyarrow.int64()),
            *_MODEL,
        ]
    ),
    ENTITIES: _SPANS,
    CANDIDATES: _SPANS,  # spans that were not taken as entities, and well might be
}
Row = Dict[str, Any]
# What atomic_write writes beside a table, a record or the errors
_LEFTOVER = re.compile(rf"\.(\d{{5,}}\.({'|'.join(FORMATS)}|json)|{re.escape(ERRORS)}|manifest\.json)-\d+")


@dataclass(frozen=True)
class Record:
    """What became of a shard.

    digest (str): The SHA-256 of its items.
    documents (int): The documents written.
    entities (int): The entities written.
    refused (List[Refused]): The items that are no documents, and why.
    """

    digest: str
    documents: int
    entities: int
    refused: List[Refused]

    @property
    def items(self) -> int:
        """RETURNS (int): The items of the shard."""
        return self.documents + len(self.refused)


def write_shard(
    output: Path, format: str, number: int, tables: Dict[str, List[Row]], model: Sequence[str], record: Record
) -> None:
    """Write the tables of a shard and, when they are whole, its record.

    output (Path): The folder of the run.
    format (str): One of FORMATS.
    number (int): The shard's number.
    tables (Dict[str, List[Row]]): The rows of each of SCHEMAS, without the columns of MODEL.
    model (Sequence[str]): The values of these.
    record (Record): What became of the shard.
    """
    for name, rows in tables.items():
        with atomic_write(_table_path(output, format, name, number)) as beside:
            if format == "parquet":
                own = pyarrow.schema(field for field in SCHEMAS[name] if field.name not in MODEL)
                table = pyarrow.Table.from_pylist(rows, schema=own)
                for column, value in zip(MODEL, model):
                    table = table.append_column(column, pyarrow.repeat(value, len(table)))
                write_table(table, beside, compression="zstd")
            else:
                write_jsonl(beside, [row | dict(zip(MODEL, model)) for row in rows])
    with atomic_write(_record_path(output, number)) as beside:
        beside.write_text(json.dumps(asdict(record)), encoding="utf8")


def read_record(output: Path, format: str, number: int) -> Optional[Record]:
    """RETURNS (Optional[Record]): What became of a shard, if it is whole."""
    path = _record_path(output, number)
    tables = (_table_path(output, format, name, number) for name in SCHEMAS)
    if not path.exists() or not all(table.exists() for table in tables):
        return None
    record = Record(**json.loads(path.read_text(encoding="utf8")))
    return replace(record, refused=[Refused(**entry) for entry in record.refused])


def write_jsonl(path: Path, rows: List[Row]) -> None:
    """Write rows as JSON Lines.

    path (Path): The file.
    rows (List[Row]): The rows.
    """
    with path.open("w", encoding="utf8", newline="") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def open_table(output: Path, name: str) -> Dataset:
    """Open a table of a run, all shards of it that are whole.

    output (Path): The folder of the run.
    name (str): One of SCHEMAS.
    RETURNS (Dataset): The table.
    RAISES (InputError): If there is none.
    """
    numbers = sorted(int(path.stem) for path in (output / RECORDS).glob("[0-9]*.json"))
    for format, reader in FORMATS.items():
        files = [_table_path(output, format, name, number) for number in numbers]
        files = [file for file in files if file.exists()]
        if files:
            files = [str(file) for file in files if file.stat().st_size]  # no rows are no JSON to pyarrow
            empty = pyarrow.Table.from_pylist([], schema=SCHEMAS[name])
            return dataset(files, schema=SCHEMAS[name], format=reader) if files else dataset(empty)
    raise InputError(f"{output}: found no {name}, expected a folder written by 'bio-ner annotate'")


def remove_leftovers(output: Path) -> None:
    """Remove what a run that was killed left half written."""
    folders = [output / name for name in (*SCHEMAS, RECORDS) if not (output / name).is_symlink()]
    for path in (path for folder in (output, *folders) if folder.is_dir() for path in folder.iterdir()):
        if _LEFTOVER.fullmatch(path.name) and path.is_file():
            path.unlink()


def _table_path(output: Path, format: str, name: str, number: int) -> Path:
    return output / name / f"{number:05}.{format}"


def _record_path(output: Path, number: int) -> Path:
    return output / RECORDS / f"{number:05}.json"
