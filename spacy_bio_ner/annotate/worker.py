"""What `bio-ner annotate` does to a shard, by whichever engine: one pipeline, fixed batches, one thread."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import require_gpu

from ..checksums import digest_folder
from ..confidence import read_scored
from ..evaluation.doc_results import bio_ners
from ..util import InputError, describe_error, pipeline_name, printable
from .inputs.item import Refused, Text
from .job import Job, Layout, Model, TableFormat
from .outputs import (
    CANDIDATES,
    DOCUMENTS,
    ENTITIES,
    SCHEMAS,
    Record,
    Row,
    encode_tables,
    table_layout,
    write_shard,
)
from .shards import Shard, cut

# A batch ends with the text with which it has one of these
BATCH_SIZE, BATCH_CHARS = 256, 100_000
CANDIDATE_THRESHOLD = 0.1  # of spans that are no entities and yet kept: they cost next to nothing
# A vocabulary that has grown to this is given up for a new one. nlp.memory_zone() would bound it too, but tokenizers do
# not use their caches in there: with a quick pipeline that costs more than loading it again.
MAX_STRINGS = 250_000
Result = TypeVar("Result")


@dataclass(frozen=True)
class Annotation(Job):
    """Write the entities of the texts to tables.

    format (TableFormat): The format of the tables.
    min_confidence (float): Entities less probable than this are candidates only; those without a probability stay.
    """

    format: TableFormat = TableFormat.parquet
    min_confidence: float = 0.0

    @property
    def layout(self) -> Layout:
        return table_layout(self.format)

    @property
    def settings(self) -> Dict[str, Any]:
        return {
            "format": self.format.value,
            "min_confidence": self.min_confidence,
            "candidate_threshold": CANDIDATE_THRESHOLD,
        }

    def work(self, shard: Shard) -> Record:
        nlp = load_same(self.model, self.gpu_id)
        keys = [component.spans_key for component in bio_ners(nlp)]
        tables: Dict[str, List[Row]] = {name: [] for name in SCHEMAS}
        texts, refused = take_texts(shard, nlp.max_length)

        def process(batch: List[Text]) -> List[Doc]:
            return list(nlp.pipe([item.text for item in batch], batch_size=len(batch)))

        for item, doc in in_batches(process, texts):
            if isinstance(doc, Refused):
                refused.append(doc)
                continue
            entities, candidates = _spans(doc, keys, self.min_confidence)
            about_document = {"date": item.date, "text": item.text, "tokens": len(doc), "entities": len(entities)}
            for name, rows in ((DOCUMENTS, [about_document]), (ENTITIES, entities), (CANDIDATES, candidates)):
                tables[name].extend({"document": item.id, **row} for row in rows)
        drop_grown([nlp])
        record = Record(self.run, shard.number, shard.digest(), refused)
        contents = encode_tables(self.format, tables, (self.model.name, self.model.version, self.model.hash))
        return write_shard(self.output, self.layout, contents, record)


def describe(path: str, gpu_id: int) -> Model:
    """Load a pipeline and describe it.

    path (str): Its folder, or the name it is installed by.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Model): What tells it from others.
    RAISES (InputError): If it cannot be loaded, or sets no entities.
    """
    nlp, model = load(path, gpu_id)
    if not any("doc.ents" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names):
        raise InputError(f"{path}: no component of the pipeline sets doc.ents: add one such as bio_ner")
    return model


@lru_cache(maxsize=None)
def load(path: str, gpu_id: int) -> Tuple[Language, Model]:
    """Load a pipeline, once in a process.

    path (str): Its folder, or the name it is installed by.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Tuple[Language, Model]): The pipeline, and what tells it from others.
    RAISES (InputError): If it cannot be loaded.
    """
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


def load_same(model: Model, gpu_id: int) -> Language:
    """Load the pipeline of a run.

    model (Model): What tells it from others.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If it cannot be loaded, or is another than on the machine that started the run.
    """
    nlp, found = load(model.path, gpu_id)
    if (found.version, found.hash, found.library) != (model.version, model.hash, model.library):
        raise InputError(f"{found.path}: found another pipeline ({found}), expected that of this run ({model})")
    return nlp


def drop_grown(pipelines: Iterable[Language]) -> None:
    """Have pipelines loaded anew for the next shard if the vocabulary of one has grown large."""
    if any(len(nlp.vocab.strings) > MAX_STRINGS for nlp in pipelines):
        load.cache_clear()


def take_texts(shard: Shard, max_length: int) -> Tuple[List[Text], List[Refused]]:
    """Part the items of a shard. A text that the pipeline would not take is refused before it is asked to.

    shard (Shard): The shard.
    max_length (int): nlp.max_length.
    RETURNS (Tuple[List[Text], List[Refused]]): The texts, and the other items.
    """
    texts: List[Text] = []
    refused: List[Refused] = []
    for item in shard.items:
        if isinstance(item, Refused):
            refused.append(item)
        elif len(item.text) > max_length:
            cause = f"found {len(item.text)} characters, expected no more than nlp.max_length, {max_length}"
            refused.append(Refused(item.id, item.place, cause))
        else:
            texts.append(item)
    return texts, refused


def in_batches(
    process: Callable[[List[Text]], List[Result]], texts: List[Text]
) -> Iterator[Tuple[Text, Union[Result, Refused]]]:
    """Do something to texts in batches or, where that fails, to each, to tell which it cannot be done to.

    process (Callable[[List[Text]], List[Result]]): Does it to a batch.
    texts (List[Text]): The texts.
    YIELDS (Tuple[Text, Union[Result, Refused]]): Each text, and what became of it.
    """
    for batch in cut(texts, BATCH_SIZE, BATCH_CHARS):
        results: Sequence[Union[Result, Refused]]
        try:
            results = process(batch)
        except Exception:
            results = [_process_one(process, item) for item in batch]
        yield from zip(batch, results)


def _process_one(process: Callable[[List[Text]], Sequence[Result]], item: Text) -> Union[Result, Refused]:
    try:
        return process([item])[0]
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
