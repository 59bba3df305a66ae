"""What a run is asked to do."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(str, Enum):
    """The kinds of input."""

    text = "text"
    files = "files"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    parquet = "parquet"
    cord19 = "cord19"
    cord19_json = "cord19-json"


class TableFormat(str, Enum):
    """The formats of the tables."""

    parquet = "parquet"
    jsonl = "jsonl"


class EngineName(str, Enum):
    """Where the work can be done."""

    local = "local"
    ray = "ray"


@dataclass(frozen=True)
class Model:
    """A pipeline, told from others.

    path (str): Its folder, or the name it is installed by.
    name (str): What it is called in the tables.
    version (str): Its version.
    hash (str): The SHA-256 of its files.
    library (str): The versions of spaCy and of this library.
    """

    path: str
    name: str
    version: str
    hash: str
    library: str


@dataclass(frozen=True)
class Job:
    """What is to be done to every shard.

    model (Model): The pipeline.
    output (Path): The folder to write to.
    format (TableFormat): The format of the tables.
    min_confidence (float): Entities less probable than this are candidates only; those without a probability stay.
    gpu_id (int): The GPU, or -1 for none.
    run (str): What tells the run from others, once that is known.
    """

    model: Model
    output: Path
    format: TableFormat = TableFormat.parquet
    min_confidence: float = 0.0
    gpu_id: int = -1
    run: str = ""
