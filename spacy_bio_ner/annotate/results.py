"""What a run has written, read back: all of it as it was written, or an error that names what is not."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List

import pyarrow
from pyarrow.dataset import Dataset, JsonFileFormat, ParquetFileFormat, dataset
from pyarrow.json import ReadOptions
from tqdm import tqdm

from ..util import InputError
from .job import Layout, TableFormat
from .manifest import NAME, Manifest, read_manifest
from .outputs import RECORDS, SCHEMAS, Record, check_shard, digest_records, file_path, strangers, table_layout

MAX_ROW = 1 << 26  # bytes of a row of JSON: a text of nlp.max_length characters, however they are escaped
READERS = {
    TableFormat.parquet: ParquetFileFormat(),
    TableFormat.jsonl: JsonFileFormat(read_options=ReadOptions(block_size=MAX_ROW)),
}
REMEDY = "start the same 'bio-ner annotate' again, which does anew what is not whole"


@dataclass(frozen=True)
class Results:
    """The tables of a run, all shards of it that are done.

    output (Path): The folder of the run.
    manifest (Manifest): What the run was made of.
    records (List[Record]): What became of the shards.
    """

    output: Path
    manifest: Manifest
    records: List[Record]

    def table(self, name: str) -> Dataset:
        """RETURNS (Dataset): One of the tables named in SCHEMAS."""
        layout = _layout(self.output, self.manifest)
        # A table without rows is no JSON to pyarrow
        records = [record for record in self.records if record.tables[name].rows]
        files = [str(file_path(self.output, layout, name, record.number)) for record in records]
        if not files:
            return dataset(pyarrow.Table.from_pylist([], schema=SCHEMAS[name]))
        return dataset(files, schema=SCHEMAS[name], format=READERS[TableFormat(layout.suffix)])


def open_results(output: Path) -> Results:
    """Open the tables of a run, and compare each with its checksum.

    output (Path): The folder of the run.
    RETURNS (Results): The tables.
    RAISES (InputError): If there is no run, or nothing of it is done yet, or something of it is damaged or gone.
    """
    manifest = read_manifest(output)
    if manifest is None:
        raise InputError(f"{output}: found no {NAME}, expected a folder written by 'bio-ner annotate'")
    layout = _layout(output, manifest)
    found = {path.name for path in (output / RECORDS).glob("*.json")}
    numbers = sorted(int(name[:-5]) for name in found if re.fullmatch(r"\d{5,}\.json", name))
    if manifest.result is not None:
        numbers = list(range(manifest.result["shards"]))
        if strangers(output, layout, len(numbers)):
            raise InputError(f"{strangers(output, layout, len(numbers))[0]}: is not of this run, which has written all")
    if not numbers:
        raise InputError(f"{output}: found no shard that is done: {REMEDY}")
    records = []
    for number in tqdm(numbers, desc="Checking tables", unit="shard", leave=False, disable=None):
        try:
            records.append(check_shard(output, layout, manifest.run, number))
        except InputError as err:
            raise InputError(f"{err}: {REMEDY}") from None
    if manifest.records not in (None, digest_records(records)):
        raise InputError(f"{output / RECORDS}: holds other records than the run has written: {REMEDY}")
    return Results(output, manifest, records)


def _layout(output: Path, manifest: Manifest) -> Layout:
    if "format" not in manifest.settings:
        raise InputError(
            f"{output}: found what 'bio-ner distill' writes, expected a folder written by 'bio-ner annotate'"
        )
    return table_layout(TableFormat(manifest.settings["format"]))
