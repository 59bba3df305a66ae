"""What a run is asked to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Tuple

if TYPE_CHECKING:  # the command line reads this module, and is not to load pyarrow with it
    from .outputs import Record
    from .shards import Shard


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
class Layout:
    """Which files a run writes for each shard, beside its record.

    folders (Tuple[str, ...]): The folders that have a file of each shard. The first holds one row for each document.
    suffix (str): What the names of the files end in.
    """

    folders: Tuple[str, ...]
    suffix: str


@dataclass(frozen=True)
class Job(ABC):
    """What is to be done to every shard.

    model (Model): The pipeline.
    output (Path): The folder to write to.
    gpu_id (int): The GPU, or -1 for none.
    run (str): What tells the run from others, once that is known.
    """

    model: Model
    output: Path
    gpu_id: int = -1
    run: str = ""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """RETURNS (Layout): The files it writes."""

    @property
    @abstractmethod
    def settings(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): The settings that the content of the files depends on, for the manifest."""

    @abstractmethod
    def work(self, shard: Shard) -> Record:
        """Do it to a shard. Done twice, it writes the same.

        shard (Shard): The shard.
        RETURNS (Record): What became of it.
        RAISES (InputError): If the pipeline is another than on the machine that started the run.
        """
