"""What is done to a shard, by whichever engine: one pipeline, fixed batches, one thread."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple, Union

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from thinc.api import require_gpu

from ..component import BioEntityRecognizer
from ..confidence import SCORES, SPANS_KEY
from ..util import InputError
from .fingerprint import digest_folder
from .inputs.item import Item, Refused, Text
from .outputs import CANDIDATES, DOCUMENTS, ENTITIES, SCHEMAS, Record, Row, write_shard
from .shards import Shard, cut

# A batch ends with the text with which it has one of these
BATCH_SIZE, BATCH_CHARS = 256, 100_000
CANDIDATE_THRESHOLD = 0.1  # of spans that are no entities and yet kept: they cost next to nothing
# A vocabulary that has grown to this is given up for a new one. nlp.memory_zone() would bound it too, but tokenizers do
# not use their caches in there: with a quick pipeline that costs more than loading it again.
MAX_STRINGS = 250_000


@dataclass(frozen=True)
class Model:
    """A pipeline, told from others.

    path (str): Its folder, or the name it is installed by.
    name (str): Its language and name.
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
    format (str): The format of the tables.
    min_confidence (float): Entities less probable than this are candidates only; those without a probability stay.
    gpu_id (int): The GPU, or -1 for none.
    """

    model: Model
    output: Path
    format: str = "parquet"
    min_confidence: float = 0.0
    gpu_id: int = -1


def describe(path: str, nlp: Language) -> Model:
    """RETURNS (Model): What tells a pipeline, which was loaded from a path or a package's name, from others."""
    library = f"spacy {version('spacy')}, spacy-bio-ner {version('spacy-bio-ner')}"
    name = f"{nlp.meta['lang']}_{nlp.meta['name']}"
    return Model(path, name, nlp.meta["version"], digest_folder(nlp.path), library)


def run_shard(job: Job, shard: Shard) -> Record:
    """Annotate the texts of a shard and write its tables. Done twice, it writes the same.

    job (Job): What is to be done.
    shard (Shard): The shard.
    RETURNS (Record): What became of it.
    """
    nlp = load(job.model, job.gpu_id)
    tables: Dict[str, List[Row]] = {name: [] for name in SCHEMAS}
    items = [_refuse_long(item, nlp.max_length) for item in shard.items]
    texts = [item for item in items if isinstance(item, Text)]
    refused = [item for item in items if isinstance(item, Refused)]
    for batch in cut(texts, BATCH_SIZE, BATCH_CHARS):
        for item, doc in _process(nlp, batch):
            if isinstance(doc, Refused):
                refused.append(doc)
                continue
            entities, candidates = _spans(doc, job.min_confidence)
            about_document = {"date": item.date, "text": item.text, "tokens": len(doc), "entities": len(entities)}
            for name, rows in ((DOCUMENTS, [about_document]), (ENTITIES, entities), (CANDIDATES, candidates)):
                tables[name].extend({"document": item.id, **row} for row in rows)
    if len(nlp.vocab.strings) > MAX_STRINGS:
        load.cache_clear()
    record = Record(shard.digest(), len(tables[DOCUMENTS]), len(tables[ENTITIES]), refused)
    about_model = (job.model.name, job.model.version, job.model.hash)
    write_shard(job.output, job.format, shard.number, tables, about_model, record)
    return record


@lru_cache(maxsize=1)
def load(model: Model, gpu_id: int) -> Language:
    """Load a pipeline, once in a process.

    model (Model): The pipeline.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If it is another than it was, or than it is on the machine that started the run.
    """
    if gpu_id >= 0:
        require_gpu(gpu_id)
    nlp = spacy.load(model.path)
    for _, component in nlp.pipeline:
        if isinstance(component, BioEntityRecognizer):
            component.cfg["candidate_threshold"] = CANDIDATE_THRESHOLD
    found = describe(model.path, nlp)
    if found != model:
        raise InputError(f"{model.path}: found another pipeline ({found}), expected that of this run ({model})")
    return nlp


def _refuse_long(item: Item, max_length: int) -> Item:
    """Refuse a text that the pipeline would not take, before it is asked to."""
    if isinstance(item, Text) and len(item.text) > max_length:
        cause = f"found {len(item.text)} characters, expected no more than nlp.max_length, {max_length}"
        return Refused(item.id, item.place, cause)
    return item


def _process(nlp: Language, batch: List[Text]) -> Iterator[Tuple[Text, Union[Doc, Refused]]]:
    """Run the pipeline over a batch or, if that fails, over each text, to tell which it cannot process."""
    try:
        docs = list(nlp.pipe((item.text for item in batch), batch_size=len(batch)))
    except Exception:
        docs = [_process_one(nlp, item) for item in batch]
    yield from zip(batch, docs)


def _process_one(nlp: Language, item: Text) -> Union[Doc, Refused]:
    try:
        return nlp(item.text)
    except Exception as err:
        return Refused(item.id, item.place, f"the pipeline failed: {type(err).__name__}: {err}")


def _spans(doc: Doc, min_confidence: float) -> Tuple[List[Row], List[Row]]:
    """RETURNS (Tuple[List[Row], List[Row]]): The entities of a Doc, and its other candidates."""
    group = doc.spans.get(SPANS_KEY)
    # span._.confidence would go through the group for each entity
    scored = {} if group is None else {_key(span): (span, p) for span, p in zip(group, group.attrs.get(SCORES, ()))}
    entities = []
    for ent in doc.ents:
        _, probability = scored.get(_key(ent), (ent, None))
        if probability is None or probability >= min_confidence:
            entities.append(_row(ent, probability))
            scored.pop(_key(ent), None)
    return entities, [_row(span, probability) for span, probability in scored.values()]


def _key(span: Span) -> Tuple[int, int, int]:
    return span.start, span.end, span.label


def _row(span: Span, probability: Optional[float]) -> Row:
    offsets = {"start": span.start_char, "end": span.end_char}
    return {**offsets, "text": span.text, "label": span.label_, "probability": probability}
