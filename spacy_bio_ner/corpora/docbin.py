"""spaCy's own format: records written in shards of a fixed size, and Docs read back."""

import os
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, Optional, Tuple, Union

import numpy
import srsly
from pydantic import BaseModel, TypeAdapter
from spacy.attrs import ENT_IOB, ENT_KB_ID, ENT_TYPE, ORTH
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.corpus import walk_corpus
from spacy.vocab import Vocab

from ..checksums import CHECKSUMS, is_as_written, read_checksums
from ..constraints import USER_DATA, annotated_labels
from ..crf.bio import IOB_BEGIN, IOB_MISSING
from ..distillation import POSTERIOR
from ..util import InputError
from .json_values import Text, validate
from .ledger import Ledger
from .options import Options
from .record import Mention, Record
from .source_mentions import INCORRECT_SPANS, document_id, source_mentions

SUFFIX = ".spacy"
SHARD_SIZE = 10_000


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read a DocBin file or a folder of shards.

    path (Path): The file or folder.
    vocab (Vocab): The vocabulary.
    YIELDS (Doc): The Docs.
    RAISES (InputError): If there is no such file, it is no DocBin or not what a conversion wrote, or a Doc in it is
        damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    shards = [path] if path.is_file() and path.suffix.lower() == SUFFIX else walk_corpus(path, SUFFIX)
    if not shards:
        raise InputError(f"{path}: found no .spacy file: convert the corpus with 'bio-ner convert' first")
    for part in {path, *shards}:
        check_written(part)
    for shard in shards:
        try:
            docs = DocBin().from_disk(shard).get_docs(vocab)
        except OSError:
            raise
        except Exception as err:  # zlib, msgpack and numpy each have their own for bytes that are no DocBin
            raise InputError(f"{shard}: not a DocBin file, or a damaged one ({err})") from None
        number = 1
        while True:
            try:
                doc = next(docs)
                _check(doc)
            except StopIteration:
                break
            except Exception as err:
                raise InputError(f"{shard}: Doc {number} is damaged ({err}): make the file anew") from None
            yield doc
            number += 1


def check_written(path: Path) -> None:
    """Compare what a conversion has written, a part or the ledger, with its checksum. What has none passes.

    path (Path): The file, or folder of shards.
    RAISES (InputError): If it is something else now, or gone.
    """
    checksum = read_checksums(path.parent).get(path.name)
    if checksum is not None and not is_as_written(path, checksum):
        raise InputError(
            f"{path}: is not what 'bio-ner convert' wrote: convert the corpus anew. If it was changed on purpose, "
            f"remove {path.parent / CHECKSUMS}"
        )


def write_records(
    records: Iterable[Record], nlp: Language, path: Path, to_doc: Callable[[Record, Language], Doc]
) -> int:
    """Write records as DocBin. If they fill more than one shard, path becomes a folder of shards, which
    spaCy's Corpus reads as it reads a file. Only one shard is in memory at a time.

    records (Iterable[Record]): The records.
    nlp (Language): Makes the Docs.
    path (Path): The file, or folder, to write.
    to_doc (Callable[[Record, Language], Doc]): Makes a Doc of a record.
    RETURNS (int): The number of Docs.
    RAISES (OSError): If a file cannot be written; the error names it.
    """
    shards = 0
    n_docs = 0
    records = iter(records)
    pending = next(records, None)
    # spaCy frees what a memory zone has met, but goes on using the entry of this one word, whose hash is 1: preshed's
    # mark of a deleted key. A word that was known before is not freed.
    nlp.vocab["IS_ALPHA"]
    # spaCy makes a packer for the user data of each Doc, and each looks up all entry points of what is installed. That
    # takes half of the time of a conversion.
    packer = srsly.msgpack.Packer(use_bin_type=True)
    while pending is not None:
        with nlp.memory_zone():
            shard = DocBin()
            while pending is not None and len(shard) < SHARD_SIZE:
                doc = to_doc(pending, nlp)
                shard.add(doc)
                shard.user_data.append(packer.pack(doc.user_data))
                pending = next(records, None)
            shard.store_user_data = True
            if pending is not None and shards == 0:
                path.mkdir()
            file = path / f"{shards:05}{SUFFIX}" if path.is_dir() else path
            try:
                shard.to_disk(file)
            except OSError as err:
                raise OSError(err.errno, os.strerror(err.errno or 0), str(file)) from err
        n_docs += len(shard)
        shards += 1
    return n_docs


def is_shard(path: Path) -> bool:
    """RETURNS (bool): Whether a file is named like a shard that write_records writes."""
    return path.suffix == SUFFIX and path.stem.isdecimal() and not path.is_dir()


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is a DocBin, by its name: its content is compressed."""
    return path.suffix.lower() == SUFFIX


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a DocBin as a source: as words where its spaces are unknown, else as text to be tokenized anew.

    path (Path): The file.
    ledger (Ledger): Takes the labels, and the span groups that are passed over.
    options (Options): Not used: a DocBin says all of itself.
    YIELDS (Record): The records.
    """
    for number, doc in enumerate(read_docs(path, Vocab()), 1):
        starts = [token for token in doc if token.is_sent_start]
        missing = [token for token in doc if token.ent_iob == IOB_MISSING]
        rejected = doc.spans.get(INCORRECT_SPANS, ())
        record = Record(document=document_id(doc), cats=doc.cats)
        labels = annotated_labels(doc)
        record.annotated_labels = None if labels is None else list(labels)
        if doc.has_unknown_spaces:
            record.words = [token.text for token in doc]
            record.mentions = [Mention(ent.start, ent.end, ent.label_, ent.kb_id_) for ent in doc.ents]
            record.missing = [(token.i, token.i + 1) for token in missing]
            record.rejected = [Mention(span.start, span.end, span.label_) for span in rejected]
            record.sent_starts = [token.i for token in starts]
            ledger.tokens["kept"] += len(record.words)
        else:
            record.text = doc.text
            record.mentions = [Mention(*mention) for mention in source_mentions(doc)]
            record.missing = [(token.idx, token.idx + len(token)) for token in missing]
            record.rejected = [Mention(span.start_char, span.end_char, span.label_) for span in rejected]
            record.sent_starts = [token.idx for token in starts]
        for key, group in doc.spans.items():
            if key != INCORRECT_SPANS:
                ledger.passed_over["spans of other span groups"] += len(group)
        for mention in record.mentions:
            ledger.labels.setdefault(mention.label, f"{path}, Doc {number}")
        yield record


_Mention = Tuple[int, int, Text, Text, Tuple[Tuple[int, int], ...]]


class _Source(BaseModel):
    """What set_source writes, as DocBin gives it back."""

    document: Optional[Text]
    mentions: Tuple[_Mention, ...]
    ents: Tuple[_Mention, ...]
    labels: Optional[Tuple[Text, ...]] = None


class _Contents(BaseModel):
    cats: Dict[Text, Union[float, bool]]
    source: Optional[_Source] = None


_CONTENTS = TypeAdapter(_Contents)


def _check(doc: Doc) -> None:
    """Look at all of a Doc that others will look at, so that what is damaged shows now.

    RAISES (Exception): If something is. spaCy raises others than its own documentation tells.
    """
    orth, iob, types, kb_ids = doc.to_array([ORTH, ENT_IOB, ENT_TYPE, ENT_KB_ID]).T
    if len(doc) and iob.max() > IOB_BEGIN:
        raise InputError(f"found the tag {iob.max()}, expected 0 to {IOB_BEGIN}")
    for key in numpy.unique(numpy.concatenate([orth, types, kb_ids])).tolist():
        doc.vocab.strings[key]
    text = doc.text
    for ent in doc.ents:
        ent.label_, ent.kb_id_, ent.start_char, ent.end_char
    for group in doc.spans.values():
        for span in group:
            if not 0 <= span.start < span.end <= len(doc):
                raise InputError(f"found a span from {span.start} to {span.end} of {len(doc)} tokens")
            span.label_
    source = doc.user_data.get(USER_DATA)
    if isinstance(source, dict) and POSTERIOR in source:  # a teacher's, which has no source
        source = {key: value for key, value in source.items() if key != POSTERIOR} or None
    contents = validate(_CONTENTS, {"cats": doc.cats, "source": source})
    for start, end, _, _, fragments in contents.source.mentions + contents.source.ents if contents.source else ():
        for part in [(start, end), *fragments]:
            if not 0 <= part[0] < part[1] <= len(text):
                raise InputError(f"found a mention from {part[0]} to {part[1]} of {len(text)} characters")
