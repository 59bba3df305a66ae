"""What is done to a shard, by whichever engine: one pipeline, fixed batches, one thread."""

from functools import lru_cache
from importlib.metadata import version
from typing import Dict, Iterable, Iterator, List, Optional, Tuple, Union

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import require_gpu

from ..checksums import digest_folder
from ..confidence import read_scored
from ..evaluation.doc_results import bio_ners
from ..util import InputError, describe_error, pipeline_name, printable
from .inputs.item import Item, Refused, Text
from .job import Job, Model
from .outputs import CANDIDATES, DOCUMENTS, ENTITIES, SCHEMAS, Record, Row, write_shard
from .shards import Shard, cut

# A batch ends with the text with which it has one of these
BATCH_SIZE, BATCH_CHARS = 256, 100_000
CANDIDATE_THRESHOLD = 0.1  # of spans that are no entities and yet kept: they cost next to nothing
# A vocabulary that has grown to this is given up for a new one. nlp.memory_zone() would bound it too, but tokenizers do
# not use their caches in there: with a quick pipeline that costs more than loading it again.
MAX_STRINGS = 250_000


def describe(path: str, gpu_id: int) -> Model:
    """Load a pipeline and describe it.

    path (str): Its folder, or the name it is installed by.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Model): What tells it from others.
    RAISES (InputError): If it cannot be loaded, or sets no entities.
    """
    nlp, model = _load(path, gpu_id)
    if not any("doc.ents" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names):
        raise InputError(f"{path}: no component of the pipeline sets doc.ents: add one such as bio_ner")
    return model


def run_shard(job: Job, shard: Shard) -> Record:
    """Annotate the texts of a shard and write its tables. Done twice, it writes the same.

    job (Job): What is to be done.
    shard (Shard): The shard.
    RETURNS (Record): What became of it.
    RAISES (InputError): If the pipeline is another than on the machine that started the run.
    """
    nlp, found = _load(job.model.path, job.gpu_id)
    if (found.version, found.hash, found.library) != (job.model.version, job.model.hash, job.model.library):
        raise InputError(f"{found.path}: found another pipeline ({found}), expected that of this run ({job.model})")
    keys = [component.cfg["spans_key"] for component in bio_ners(nlp)]
    tables: Dict[str, List[Row]] = {name: [] for name in SCHEMAS}
    items = [_refuse_long(item, nlp.max_length) for item in shard.items]
    texts = [item for item in items if isinstance(item, Text)]
    refused = [item for item in items if isinstance(item, Refused)]
    for batch in cut(texts, BATCH_SIZE, BATCH_CHARS):
        for item, doc in _process(nlp, batch):
            if isinstance(doc, Refused):
                refused.append(doc)
                continue
            entities, candidates = _spans(doc, keys, job.min_confidence)
            about_document = {"date": item.date, "text": item.text, "tokens": len(doc), "entities": len(entities)}
            for name, rows in ((DOCUMENTS, [about_document]), (ENTITIES, entities), (CANDIDATES, candidates)):
                tables[name].extend({"document": item.id, **row} for row in rows)
    if len(nlp.vocab.strings) > MAX_STRINGS:
        _load.cache_clear()
    record = Record(job.run, shard.number, shard.digest(), refused)
    return write_shard(job.output, job.format, tables, (job.model.name, job.model.version, job.model.hash), record)


@lru_cache(maxsize=1)
def _load(path: str, gpu_id: int) -> Tuple[Language, Model]:
    """Load a pipeline, once in a process."""
    try:
        if gpu_id >= 0:
            require_gpu(gpu_id)
        nlp = spacy.load(path)
    except Exception as err:  # not there, one that needs other packages, damaged files: each has its own
        raise InputError(f"{path}: cannot load the pipeline: {describe_error(err)}") from None
    for component in bio_ners(nlp):
        component.cfg["candidate_threshold"] = CANDIDATE_THRESHOLD
    assert nlp.path is not None  # it was loaded from there
    library = f"spacy {version('spacy')}, spacy-bio-ner {version('spacy-bio-ner')}"
    name = printable(pipeline_name(nlp.meta, nlp.path))
    return nlp, Model(path, name, nlp.meta["version"], digest_folder(nlp.path), library)


def _refuse_long(item: Item, max_length: int) -> Item:
    """Refuse a text that the pipeline would not take, before it is asked to."""
    if isinstance(item, Text) and len(item.text) > max_length:
        cause = f"found {len(item.text)} characters, expected no more than nlp.max_length, {max_length}"
        return Refused(item.id, item.place, cause)
    return item


def _process(nlp: Language, batch: List[Text]) -> Iterator[Tuple[Text, Union[Doc, Refused]]]:
    """Run the pipeline over a batch or, if that fails, over each text, to tell which it cannot process."""
    docs: List[Union[Doc, Refused]]
    try:
        docs = list(nlp.pipe([item.text for item in batch], batch_size=len(batch)))
    except Exception:
        docs = [_process_one(nlp, item) for item in batch]
    yield from zip(batch, docs)


def _process_one(nlp: Language, item: Text) -> Union[Doc, Refused]:
    try:
        return nlp(item.text)
    except Exception as err:
        return Refused(item.id, item.place, f"the pipeline failed: {type(err).__name__}: {err}")


def _spans(doc: Doc, keys: Iterable[str], min_confidence: float) -> Tuple[List[Row], List[Row]]:
    """RETURNS (Tuple[List[Row], List[Row]]): The entities of a Doc, and the other candidates that its components have
    written under some keys."""
    # span._.confidence would search the Doc for each entity
    probabilities = {row[:3]: row.probability for key in keys for row in read_scored(doc, key)}
    entities, candidates = [], []
    for ent in doc.ents:
        place = (ent.start_char, ent.end_char, ent.label_)
        probability = probabilities.get(place)
        if probability is None or probability >= min_confidence:
            entities.append(_row(ent.text, place, probability))
            probabilities.pop(place, None)
    for place, probability in probabilities.items():
        start, end, _ = place
        span = doc.char_span(start, end)  # None if a later component has merged tokens
        candidates.append(_row(doc.text[start:end] if span is None else span.text, place, probability))
    return entities, candidates


def _row(text: str, place: Tuple[int, int, str], probability: Optional[float]) -> Row:
    start, end, label = place
    return {"start": start, "end": end, "text": text, "label": label, "probability": probability}
