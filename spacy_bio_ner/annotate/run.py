"""A run: inputs read, cut into shards, worked on by an engine, and accounted for."""

import json
from collections import Counter
from dataclasses import asdict, replace
from typing import Callable, Dict, Iterable, Iterator, Sequence

from tqdm import tqdm

from ..util import InputError, atomic_write
from . import manifest as manifests
from .engines import local
from .inputs.item import Fields, Item, Text
from .inputs.sources import Source, read_items
from .manifest import Manifest
from .outputs import ERRORS, Record, read_record, remove_leftovers
from .shards import SHARD_CHARS, Shard, cut_shards, refuse_repeated
from .work import BATCH_CHARS, BATCH_SIZE, CANDIDATE_THRESHOLD, Job

Engine = Callable[[Job, Iterable[Shard]], Iterator[Record]]
SHARD_SIZE = 1000
SHOWN = 5  # of the reasons why no text can be read


def annotate(
    job: Job,
    sources: Sequence[Source],
    fields: Fields = Fields(),
    shard_size: int = SHARD_SIZE,
    engine: Engine = local.run,
) -> Dict[str, int]:
    """Annotate the inputs, or go on with it. Every item of them becomes a row of documents or of errors.jsonl.

    job (Job): What is to be done.
    sources (Sequence[Source]): The inputs.
    fields (Fields): The names of the inputs' fields.
    shard_size (int): The items of a shard.
    engine (Engine): What does the work.
    RETURNS (Dict[str, int]): How many items there are, and shards, documents, entities and errors.
    RAISES (InputError): If nothing can be read, or the folder holds a run that was made of something else.
    """
    manifest = _begin(job, sources, fields, shard_size)
    n_shards = 0
    with tqdm(total=manifest.items, desc="Annotating", unit="text", smoothing=0, disable=None) as bar:

        def missing_shards() -> Iterator[Shard]:
            nonlocal n_shards
            for shard in cut_shards(refuse_repeated(read_items(sources, fields)), shard_size):
                n_shards += 1
                record = read_record(job.output, job.format, shard.number)
                if record is None:
                    yield shard
                elif record.digest != shard.digest():
                    raise InputError(
                        f"{job.output}: shard {shard.number} is of other texts: inputs have changed since. "
                        "Put them back, or write to another folder"
                    )
                else:
                    bar.total -= record.items  # the bar is of what is left
                    bar.refresh()

        for record in engine(job, missing_shards()):
            bar.update(record.items)
    return _finish(job, manifest, n_shards)


def _begin(job: Job, sources: Sequence[Source], fields: Fields, shard_size: int) -> Manifest:
    """Find the manifest of the run, or begin one. Nothing is written before it is known what the run is made of."""
    settings = {
        "format": job.format,
        "min_confidence": job.min_confidence,
        "candidate_threshold": CANDIDATE_THRESHOLD,
        "fields": {**asdict(fields), "text": list(fields.text)},
        "shard": [shard_size, SHARD_CHARS],
        "batch": [BATCH_SIZE, BATCH_CHARS],
    }
    model = asdict(job.model)
    del model["path"]
    wanted = Manifest(model, settings, manifests.digest_inputs(sources))
    found = manifests.go_on(job.output, wanted)
    if found is not None:
        remove_leftovers(job.output)
        return found
    wanted = replace(wanted, items=_count(read_items(sources, fields)))
    wanted.write(job.output)
    return wanted


def _count(items: Iterable[Item]) -> int:
    """RETURNS (int): How many items there are.
    RAISES (InputError): If none is a text."""
    n_items, has_text, refused = 0, False, []
    for item in tqdm(items, desc="Counting texts", unit="text", leave=False, disable=None):
        n_items += 1
        if isinstance(item, Text):
            has_text = True
        elif len(refused) < SHOWN:
            refused.append(f"{item.place}: {item.cause}")
    if not has_text:
        raise InputError("\n".join(["found no text in the inputs", *refused]))
    return n_items


def _finish(job: Job, manifest: Manifest, n_shards: int) -> Dict[str, int]:
    """Account for all shards, and write what the run came to."""
    total: Counter = Counter(items=0, shards=n_shards, documents=0, entities=0, errors=0)
    with atomic_write(job.output / ERRORS) as beside, beside.open("w", encoding="utf8") as file:
        for number in range(n_shards):
            record = read_record(job.output, job.format, number)
            if record is None:
                raise InputError(f"{job.output}: shard {number} is gone: start again to make it anew")
            total.update(items=record.items, documents=record.documents, entities=record.entities)
            total.update(errors=len(record.refused))
            file.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in record.refused)
    if total["items"] != manifest.items:
        raise InputError(
            f"{job.output}: found {total['items']} inputs, but {manifest.items} when the run began: inputs have changed"
        )
    result = dict(total)
    replace(manifest, result=result).write(job.output)
    return result
