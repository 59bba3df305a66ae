"""A run: inputs read, cut into shards, worked on by an engine, and accounted for."""

import json
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from filelock import FileLock, Timeout
from tqdm import tqdm

from ..util import InputError, atomic_write
from .engines import Engine
from .inputs.discovery import Source, check_fields, read_items
from .inputs.item import Fields
from .inputs.streams import Progress
from .job import Job
from .manifest import Manifest, list_inputs, resume
from .outputs import (
    ERRORS,
    Record,
    check_shard,
    digest_records,
    read_record,
    remove_leftovers,
    strangers,
)
from .shards import SHARD_CHARS, Shard, cut_shards, refuse_repeated
from .worker import BATCH_CHARS, BATCH_SIZE

SHARD_SIZE = 1000
LOCK = ".lock"


def check_output(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse a folder that cannot be written to, or would become a part of what is read.

    output (Path): The folder.
    inputs (Sequence[Path]): The inputs.
    RAISES (InputError): If it is a file, or in a folder of the inputs.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: found a file, expected a folder to write to")
    for path in inputs:
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            raise InputError(f"{output}: would be read as a part of the input {path}, expected another folder")


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Keep other runs out of a folder. The lock is the operating system's: it ends with the process, however that ends.

    output (Path): The folder, which is made if need be, and removed again if nothing was written to it.
    RAISES (InputError): If a run is at work on it.
    """
    is_new = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{output}: another run is at work on it. Wait for its end, or give another folder") from None
    try:
        yield
    finally:
        if is_new and [path.name for path in output.iterdir()] == [LOCK]:
            with suppress(OSError):  # Windows keeps what is open
                (output / LOCK).unlink()
                output.rmdir()
        lock.release()


def annotate(
    job: Job, sources: Sequence[Source], engine: Engine, fields: Fields = Fields(), shard_size: int = SHARD_SIZE
) -> Dict[str, int]:
    """Annotate the inputs, or go on with it. Every item of them becomes a row of documents or of errors.jsonl.

    job (Job): What is to be done.
    sources (Sequence[Source]): The inputs.
    engine (Engine): What does the work.
    fields (Fields): The names of the inputs' fields.
    shard_size (int): The items of a shard.
    RETURNS (Dict[str, int]): How many items there are, and shards, documents, entities and errors.
    RAISES (InputError): If nothing can be read, or the folder holds a run that was made of something else.
    """
    manifest = _begin(job, sources, fields, shard_size)
    job = replace(job, run=manifest.run, model=replace(job.model, name=manifest.model["name"]))
    progress = Progress()
    sizes: List[int] = []  # of the shards, in bytes of the inputs
    n_items = 0
    total = sum(source.n_bytes for source in sources)
    with tqdm(total=total, desc="Annotating", unit="B", unit_scale=True, smoothing=0, disable=None) as bar:

        def missing_shards() -> Iterator[Shard]:
            nonlocal n_items
            n_bytes = 0
            for shard in cut_shards(refuse_repeated(read_items(sources, fields, progress)), shard_size):
                sizes.append(progress.n_bytes - n_bytes)
                n_bytes, n_items = progress.n_bytes, n_items + len(shard.items)
                try:
                    record = check_shard(job.output, job.layout, job.run, shard.number)
                except InputError:
                    yield shard
                    continue
                if record.digest != shard.digest():
                    raise InputError(
                        f"{job.output}: shard {shard.number} is of other texts: inputs have changed since. "
                        "Put them back, or write to another folder"
                    )
                bar.total -= sizes[-1]  # the bar is of what is left
                bar.refresh()

        n_texts = 0
        for record in engine.run(job, missing_shards()):
            n_texts += record.items
            bar.set_postfix_str(f"{n_texts} texts", refresh=False)
            bar.update(sizes[record.number])
    return _finish(job, replace(manifest, checksums=progress.checksums), len(sizes), n_items)


def _begin(job: Job, sources: Sequence[Source], fields: Fields, shard_size: int) -> Manifest:
    """Find the manifest of the run, or begin one. Nothing is written before it is known that there are texts."""
    settings = {
        **job.settings,
        "fields": {**asdict(fields), "text": list(fields.text)},
        "shard": [shard_size, SHARD_CHARS],
        "batch": [BATCH_SIZE, BATCH_CHARS],
    }
    model = asdict(job.model)
    del model["path"]
    wanted = Manifest(model, settings, list_inputs(sources))
    manifest = resume(job.output, wanted, job.layout)
    if manifest is None:
        check_fields(sources, fields)
        wanted.write(job.output)
    remove_leftovers(job.output, job.layout)
    return manifest or wanted


def _finish(job: Job, manifest: Manifest, n_shards: int, n_items: int) -> Dict[str, int]:
    """Account for all shards and items, and write what the run came to."""
    total = Counter(items=0, shards=n_shards, errors=0, **dict.fromkeys(job.layout.folders, 0))

    def counted() -> Iterator[Record]:
        for number in range(n_shards):
            record = read_record(job.output, job.layout, number)
            total.update(items=record.items, errors=len(record.refused))
            total.update({name: table.rows for name, table in record.tables.items()})
            file.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in record.refused)
            yield record

    others = strangers(job.output, job.layout, n_shards)
    if others:
        raise InputError(f"{others[0]}: is of no shard of this run. Inputs have changed, or it was put there")
    with atomic_write(job.output / ERRORS) as temporary, temporary.open("w", encoding="utf8") as file:
        records = digest_records(counted())
    if total["items"] != n_items:
        raise InputError(f"{job.output}: found rows and errors of {total['items']} inputs, expected those of {n_items}")
    result = dict(total)
    replace(manifest, result=result, records=records).write(job.output)
    return result
