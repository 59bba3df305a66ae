"""The files that a run writes, those of each shard and the record that says the shard is whole. Of tables:

    documents/00000.parquet  entities/00000.parquet  candidates/00000.parquet  shards/00000.json  ...  errors.jsonl

The record is written last, with the checksums of the files. A shard whose record or files are not whole is done
again, and writes the same files.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import pyarrow
from pyarrow.parquet import write_table

from ..checksums import digest_file, digest_json, read_json, write_json
from ..util import InputError, atomic_write, final_name
from .inputs.item import Refused
from .job import Layout, TableFormat

DOCUMENTS, ENTITIES, CANDIDATES, RECORDS, ERRORS = "documents", "entities", "candidates", "shards", "errors.jsonl"
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
Content = Tuple[int, bytes]  # the rows of a file, and its bytes


@dataclass(frozen=True)
class TableFile:
    """A file of a shard.

    rows (int): How many rows, or Docs, it has.
    sha256 (str): The checksum of the file.
    """

    rows: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """What became of a shard.

    run (str): The run it is of.
    number (int): The shard's number.
    digest (str): The SHA-256 of its items.
    refused (List[Refused]): The items that are no documents, and why.
    tables (Dict[str, TableFile]): Its files by their folders, once they are written.
    """

    run: str
    number: int
    digest: str
    refused: List[Refused]
    tables: Dict[str, TableFile] = field(default_factory=dict)

    @property
    def items(self) -> int:
        """RETURNS (int): The items of the shard."""
        return self.tables[DOCUMENTS].rows + len(self.refused)


def write_shard(output: Path, layout: Layout, contents: Dict[str, Content], record: Record) -> Record:
    """Write the files of a shard and, when they are whole, its record.

    output (Path): The folder of the run.
    layout (Layout): The files it writes.
    contents (Dict[str, Tuple[int, bytes]]): The number of rows, and the bytes, of the file in each of its folders.
    record (Record): What became of the shard.
    RETURNS (Record): The same with the files.
    """
    files = {}
    for name, (n_rows, content) in contents.items():
        files[name] = TableFile(n_rows, hashlib.sha256(content).hexdigest())
        with atomic_write(file_path(output, layout, name, record.number)) as temporary:
            temporary.write_bytes(content)
    record = replace(record, tables=files)
    write_json(record_path(output, record.number), asdict(record))
    return record


def table_layout(format: TableFormat) -> Layout:
    """RETURNS (Layout): The files of tables in a format."""
    return Layout(tuple(SCHEMAS), format.value)


def encode_tables(format: TableFormat, tables: Dict[str, List[Row]], model: Sequence[str]) -> Dict[str, Content]:
    """Encode tables.

    format (TableFormat): Their format.
    tables (Dict[str, List[Row]]): The rows of each of SCHEMAS, without the columns of MODEL.
    model (Sequence[str]): The values of these.
    RETURNS (Dict[str, Tuple[int, bytes]]): The number of rows, and the bytes, of each.
    """
    return {name: (len(rows), _encode(format, SCHEMAS[name], rows, model)) for name, rows in tables.items()}


def _encode(format: TableFormat, schema: pyarrow.Schema, rows: List[Row], model: Sequence[str]) -> bytes:
    if format == TableFormat.jsonl:
        return encode_jsonl(row | dict(zip(MODEL, model)) for row in rows)
    own = pyarrow.schema(field for field in schema if field.name not in MODEL)
    table = pyarrow.Table.from_pylist(rows, schema=own)
    for column, value in zip(MODEL, model):
        table = table.append_column(column, pyarrow.repeat(value, len(table)))
    buffer = pyarrow.BufferOutputStream()
    write_table(table, buffer, compression="zstd")
    return buffer.getvalue().to_pybytes()


def encode_jsonl(rows: Iterable[Row]) -> bytes:
    """RETURNS (bytes): Rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf8")


def read_record(output: Path, layout: Layout, number: int) -> Record:
    """Read the record of a shard.

    output (Path): The folder of the run.
    layout (Layout): The files it writes.
    number (int): The shard's number.
    RETURNS (Record): The record.
    RAISES (InputError): If it is damaged, or of another shard.
    RAISES (OSError): If it cannot be read.
    """
    path = record_path(output, number)
    content = read_json(path)
    try:
        tables = {name: TableFile(**table) for name, table in content.pop("tables").items()}
        refused = [Refused(**entry) for entry in content.pop("refused")]
        record = Record(**content, refused=refused, tables=tables)
    except (AttributeError, KeyError, TypeError):
        raise InputError(f"{path}: is not what this version of spacy-bio-ner writes") from None
    if record.number != number or set(record.tables) != set(layout.folders):
        raise InputError(f"{path}: is the record of something else")
    return record


def check_shard(output: Path, layout: Layout, run: str, number: int) -> Record:
    """Read the record of a shard, and compare its files with it.

    output (Path): The folder of the run.
    layout (Layout): The files it writes.
    run (str): What tells the run.
    number (int): The shard's number.
    RETURNS (Record): The record.
    RAISES (InputError): If the record or a file is damaged or gone, or of another run.
    """
    path = record_path(output, number)
    try:
        record = read_record(output, layout, number)
        if record.run != run:
            raise InputError(f"{path}: is of another run")
        for name in layout.folders:
            path = file_path(output, layout, name, number)
            if digest_file(path) != record.tables[name].sha256:
                raise InputError(f"{path}: is not as it was written")
    except OSError as err:
        raise InputError(f"{path}: {err.strerror}") from None
    return record


def digest_records(records: Iterable[Record]) -> str:
    """RETURNS (str): The SHA-256 of records."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(digest_json(asdict(record)).encode())
    return digest.hexdigest()


def strangers(output: Path, layout: Layout, n_shards: int) -> List[Path]:
    """RETURNS (List[Path]): Files in the folders of a run that look like files and records of its, and are of no shard
    of its."""
    found: List[Path] = []
    for name in (*layout.folders, RECORDS):
        suffix = "json" if name == RECORDS else layout.suffix
        own = {f"{number:05}.{suffix}" for number in range(n_shards)}
        paths = sorted((output / name).glob("[0-9]*"))
        found.extend(path for path in paths if _is_of_shard(path.name, layout) and path.name not in own)
    return found


def remove_leftovers(output: Path, layout: Layout) -> None:
    """Remove what a run that was killed left half written."""
    folders = [output / name for name in (*layout.folders, RECORDS) if not (output / name).is_symlink()]
    for path in (path for folder in (output, *folders) if folder.is_dir() for path in folder.iterdir()):
        name = final_name(path)
        own = name and (_is_of_shard(name, layout) or name in (ERRORS, "manifest.json", "stdin", "stdin.json"))
        if own and path.is_file():
            path.unlink()


def file_path(output: Path, layout: Layout, name: str, number: int) -> Path:
    """RETURNS (Path): The file of a shard in a folder."""
    return output / name / f"{number:05}.{layout.suffix}"


def record_path(output: Path, number: int) -> Path:
    """RETURNS (Path): The file of the record of a shard."""
    return output / RECORDS / f"{number:05}.json"


def _is_of_shard(name: str, layout: Layout) -> bool:
    """RETURNS (bool): Whether a file is named like one of a shard, or like its record."""
    return re.fullmatch(rf"\d{{5,}}\.({re.escape(layout.suffix)}|json)", name) is not None
