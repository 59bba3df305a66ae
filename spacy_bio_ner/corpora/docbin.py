"""Records written as spaCy's own format, in shards of a fixed size."""

from pathlib import Path
from typing import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from .record import Record

SHARD_SIZE = 10_000


def group_sentences(records: Iterable[Record], n_sents: int) -> Iterator[Record]:
    """Join sentences into larger records, never across documents.

    records (Iterable[Record]): A record for each sentence.
    n_sents (int): The number of sentences to join; 0 joins all of a document.
    YIELDS (Record): The joined records.
    """
    group = None
    size = 0
    for record in records:
        if group is not None and (size == n_sents or record.document != group.document):
            yield group
            group = None
        if group is None:
            group, size = record, 1
        else:
            group.extend(record)
            size += 1
    if group is not None:
        yield group


def record_to_doc(record: Record, vocab: Vocab) -> Doc:
    """Build a Doc from a record's own words. Its spaces are unknown, which tells spaCy's Corpus to train
    on these tokens and not on its own.

    record (Record): The record.
    vocab (Vocab): The vocabulary.
    RETURNS (Doc): The Doc, with entities, missing annotation and sentence starts.
    """
    sent_starts = [False] * len(record.words)
    for i in record.sent_starts:
        sent_starts[i] = True
    doc = Doc(vocab, words=record.words, sent_starts=sent_starts)
    doc.set_ents(
        [Span(doc, mention.start, mention.end, label=mention.label) for mention in record.mentions],
        missing=[doc[i : i + 1] for i in record.missing],
    )
    return doc


def write_records(records: Iterable[Record], nlp: Language, path: Path, shard_size: int = SHARD_SIZE) -> int:
    """Write records as DocBin. If they fill more than one shard, path becomes a folder of shards, which
    spaCy's Corpus reads as it reads a file. Only one shard is in memory at a time.

    records (Iterable[Record]): The records.
    nlp (Language): Makes the Docs.
    path (Path): The file, or folder, to write.
    shard_size (int): The number of Docs in a shard.
    RETURNS (int): The number of Docs.
    """
    shards = 0
    n_docs = 0
    records = iter(records)
    pending = next(records, None)
    while pending is not None:
        with nlp.memory_zone():
            shard = DocBin()
            while pending is not None and len(shard) < shard_size:
                shard.add(record_to_doc(pending, nlp.vocab))
                pending = next(records, None)
            if pending is not None and shards == 0:
                path.mkdir()
            shard.to_disk(path / f"{shards:05}.spacy" if path.is_dir() else path)
        n_docs += len(shard)
        shards += 1
    return n_docs
