"""spaCy's own format: records written in shards of a fixed size, and Docs read back with what their source
held. A Doc's user data keeps its document's id and every mention of the source, lost ones too, so that a
score can count them as missed.
"""

from pathlib import Path
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.corpus import walk_corpus
from spacy.vocab import Vocab

from ..crf.bio import IOB_MISSING
from ..util import InputError
from .ledger import Report
from .record import Mention, Record

SHARD_SIZE = 10_000
USER_DATA = "bio_ner"


class SourceMention(NamedTuple):
    """An entity as the source had it: its characters in doc.text, its label, its id in a knowledge base, and the
    characters of its parts, if it has several that are apart."""

    start_char: int
    end_char: int
    label: str
    kb_id: str
    fragments: Tuple[Tuple[int, int], ...] = ()


def set_source(doc: Doc, document: Optional[str], mentions: Iterable[SourceMention]) -> None:
    """Keep with a Doc its document's id, the mentions of its source, and which entities have come of them."""
    doc.user_data[USER_DATA] = {
        "document": document,
        "mentions": [list(mention) for mention in mentions],
        "ents": [list(mention) for mention in _entities(doc)],
    }


def source_mentions(doc: Doc) -> List[SourceMention]:
    """RETURNS (List[SourceMention]): The mentions of a Doc's source. Entities that have been changed since are
    taken as they are now; so are all of a Doc that was not written here."""
    now = _entities(doc)
    if USER_DATA not in doc.user_data:
        return now
    source = doc.user_data[USER_DATA]
    then = [SourceMention(*ent) for ent in source["ents"]]
    removed = {ent[:3] for ent in then} - {ent[:3] for ent in now}
    added = {ent[:3] for ent in now} - {ent[:3] for ent in then}
    mentions = [SourceMention(*mention[:4], tuple(map(tuple, mention[4]))) for mention in source["mentions"]]
    return [m for m in mentions if m[:3] not in removed] + [ent for ent in now if ent[:3] in added]


def whole_mentions(doc: Doc, where: str) -> List[SourceMention]:
    """The mentions of a Doc's source, for formats in which a mention is one span and what is not one is outside.

    doc (Doc): The Doc.
    where (str): How messages name it.
    RETURNS (List[SourceMention]): The mentions.
    RAISES (InputError): If such a format has no place for what the Doc holds.
    """
    mentions = source_mentions(doc)
    if is_partly_annotated(doc):
        raise InputError(f"{where}: the format has no place for missing annotation: write it as bio")
    for mention in mentions:
        if len(mention.fragments) > 1:
            text = doc.text[mention.start_char : mention.end_char]
            raise InputError(f"{where}: the format has no place for mentions in several parts, found one in {text!r}")
    return mentions


def is_partly_annotated(doc: Doc) -> bool:
    """RETURNS (bool): Whether the annotation of some tokens is missing and that of others is not."""
    return len({token.ent_iob == IOB_MISSING for token in doc}) > 1


def _entities(doc: Doc) -> List[SourceMention]:
    return [SourceMention(ent.start_char, ent.end_char, ent.label_, ent.kb_id_) for ent in doc.ents]


def document_id(doc: Doc) -> Optional[str]:
    """RETURNS (Optional[str]): The id of the document a Doc belongs to, if its source has documents."""
    return doc.user_data.get(USER_DATA, {}).get("document")


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read a DocBin file or a folder of shards.

    path (Path): The file or folder.
    vocab (Vocab): The vocabulary.
    YIELDS (Doc): The Docs.
    RAISES (InputError): If there is no such file, or it is no DocBin.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    shards = walk_corpus(path, ".spacy")
    if not shards:
        raise InputError(f"{path}: found no .spacy file: convert the corpus with 'bio-ner convert' first")
    for shard in shards:
        try:
            yield from DocBin().from_disk(shard).get_docs(vocab)
        except Exception as err:  # zlib, msgpack, numpy and spaCy each have their own for bytes that are no DocBin
            raise InputError(f"{shard}: not a DocBin file, or a damaged one ({err})") from None


def write_records(
    records: Iterable[Record],
    nlp: Language,
    path: Path,
    to_doc: Callable[[Record, Language], Doc],
    shard_size: int = SHARD_SIZE,
) -> int:
    """Write records as DocBin. If they fill more than one shard, path becomes a folder of shards, which
    spaCy's Corpus reads as it reads a file. Only one shard is in memory at a time.

    records (Iterable[Record]): The records.
    nlp (Language): Makes the Docs.
    path (Path): The file, or folder, to write.
    to_doc (Callable[[Record, Language], Doc]): Makes a Doc of a record.
    shard_size (int): The number of Docs in a shard.
    RETURNS (int): The number of Docs.
    """
    shards = 0
    n_docs = 0
    records = iter(records)
    pending = next(records, None)
    while pending is not None:
        with nlp.memory_zone():
            shard = DocBin(store_user_data=True)
            while pending is not None and len(shard) < shard_size:
                shard.add(to_doc(pending, nlp))
                pending = next(records, None)
            if pending is not None and shards == 0:
                path.mkdir()
            shard.to_disk(path / f"{shards:05}.spacy" if path.is_dir() else path)
        n_docs += len(shard)
        shards += 1
    return n_docs


def is_shard(path: Path) -> bool:
    """RETURNS (bool): Whether a file is named like a shard that write_records writes."""
    return path.suffix == ".spacy" and path.stem.isdecimal() and not path.is_dir()


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is a DocBin, by its name: its content is compressed."""
    return path.suffix == ".spacy"


def read(path: Path, report: Report) -> Iterator[Record]:
    """Read a DocBin as a source: as words where its spaces are unknown or annotation is missing, which belongs to
    tokens, else as text to be tokenized anew.

    path (Path): The file.
    report (Report): Takes the labels.
    YIELDS (Record): The records.
    """
    for number, doc in enumerate(read_docs(path, Vocab()), 1):
        starts = [token for token in doc if token.is_sent_start]
        record = Record(document=document_id(doc), cats=doc.cats)
        if doc.has_unknown_spaces or is_partly_annotated(doc):
            record.words = [token.text for token in doc]
            record.mentions = [Mention(ent.start, ent.end, ent.label_, ent.kb_id_) for ent in doc.ents]
            record.missing = [token.i for token in doc if token.ent_iob == IOB_MISSING]
            record.sent_starts = [token.i for token in starts]
            report.mentions["kept"] += len(record.mentions)
            report.tokens["kept"] += len(record.words)
            report.missing += len(record.missing)
        else:
            record.text = doc.text
            record.mentions = [Mention(*mention) for mention in source_mentions(doc)]
            record.sent_starts = [token.idx for token in starts]
        for mention in record.mentions:
            report.labels.setdefault(mention.label, f"{path}, Doc {number}")
        yield record
