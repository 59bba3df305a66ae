"""Texts with their entities, as Prodigy, doccano and spaCy's Doc.to_json write them: an object for each text, in JSON
Lines, JSON or Parquet. Entities are lists [start, end, label], or objects with the offsets of characters, or of
Prodigy's tokens.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Literal, Optional, Set, TextIO, Tuple

from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, TypeAdapter
from spacy.tokens import Doc

from ...constraints import annotated_labels
from ...util import InputError
from ..answers import ACCEPT, REJECT, Answer, put_together
from ..entries import first_entry, read_entries
from ..json_values import Name, Text, find_offsets, to_id, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..offsets import locate
from ..options import Options
from ..record import Mention, Record
from ..source_mentions import INCORRECT_SPANS, document_id, is_binary, whole_mentions

MENTION_KEYS = ("spans", "label", "labels", "entities", "ents", "annotations")
# Keys whose offsets are no entities: tokens and sentences, relations of doccano and Prodigy, answers before a review.
OTHER_KEYS = {"tokens", "sents", "sentences", "relations", "arcs", "versions", "meta", "_", "cats"}
LABELS_KEY = "annotated_labels"  # our own


class _Span(BaseModel):
    label: Name
    text: Optional[Text] = None
    kb_id: Text = ""
    start: Optional[int] = Field(None, validation_alias=AliasChoices("start", "start_offset"))
    end: Optional[int] = Field(None, validation_alias=AliasChoices("end", "end_offset"))
    token_start: Optional[int] = None
    token_end: Optional[int] = None


class _Token(BaseModel):
    start: int
    end: int


class _Entry(BaseModel):
    text: Text = Field(validation_alias=AliasChoices("text", "data"))
    tokens: List[Any] = []
    id: Any = None
    meta: Dict[str, Any] = {}
    cats: Dict[Text, FiniteFloat] = {}
    answer: Optional[Literal["accept", "reject", "ignore"]] = None
    is_binary: Optional[bool] = Field(None, validation_alias="_is_binary")
    view_id: Any = Field(None, validation_alias="_view_id")
    labels: Optional[List[Name]] = Field(None, validation_alias=LABELS_KEY)


_ENTRY, _SPAN, _TOKEN, _LIST = TypeAdapter(_Entry), TypeAdapter(_Span), TypeAdapter(_Token), TypeAdapter(List[Any])


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file's first entry is an object."""
    return isinstance(first_entry(path), dict)


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the labels, what cannot be read, and what is passed over.
    options (Options): Its entity_key names the key of the entities, if it is none of MENTION_KEYS; what offsets count.
    YIELDS (Record): A record for each text; all yes and no to spans of one text make one.
    """
    keys = _Keys()
    yield from put_together(_read_answers(path, ledger, options, keys), ledger)
    if keys.seen and not keys.of_mentions and not ledger.n_errors:
        names = ", ".join(MENTION_KEYS if options.entity_key is None else [options.entity_key])
        ledger.error(
            1,
            f"found none of {names} in any text, but {excerpt(keys.seen)}: name the key that has the entities with "
            "--entity-key",
        )


def read_answers(path: Path, ledger: Ledger) -> Iterator[Tuple[int, Answer]]:
    """Read a file without putting together what it says of one text.

    path (Path): The file.
    ledger (Ledger): Takes what cannot be read.
    YIELDS (Tuple[int, Answer]): The line of each entry, and the entry.
    """
    return _read_answers(path, ledger, Options(), _Keys())


def write(docs: Iterable[Doc], file: TextIO) -> None:
    """Write Docs with the mentions of their source, in the form that Prodigy has. Where nothing is known of a text but
    some entities, and spans that are none, each of them is an answer, yes or no.

    docs (Iterable[Doc]): The Docs.
    file (TextIO): The file to write to.
    RAISES (InputError): If a Doc cannot be written.
    """
    for number, doc in enumerate(docs, 1):
        document, labels = document_id(doc), annotated_labels(doc)
        where = f"Doc {number}" if document is None else f"document {document!r}"
        entry: Dict[str, Any] = {"text": doc.text, "spans": []}
        if document is not None:
            entry["meta"] = {"id": document}
        if doc.cats:
            entry["cats"] = {name: float(value) for name, value in doc.cats.items()}
        if labels is not None:
            entry[LABELS_KEY] = list(labels)
        spans = []
        for mention in whole_mentions(doc, where, may_be_binary=True):
            span = {"start": mention.start_char, "end": mention.end_char, "label": mention.label}
            spans.append({**span, "kb_id": mention.kb_id} if mention.kb_id else span)
        entries = [{**entry, "spans": spans}]
        if is_binary(doc):
            rejected = [
                {"start": span.start_char, "end": span.end_char, "label": span.label_}
                for span in doc.spans.get(INCORRECT_SPANS, ())
            ]
            entries = [
                {**entry, "spans": [span], "answer": verdict, "_is_binary": True}
                for verdict, asked in ((ACCEPT, spans), (REJECT, rejected))
                for span in asked
            ]
        try:
            file.writelines(f"{json.dumps(entry, ensure_ascii=False, allow_nan=False)}\n" for entry in entries)
        except ValueError:
            raise InputError(f"{where}: found the categories {entry['cats']}, expected finite numbers") from None


class _Keys:
    """The keys of the entries of a file: those of the first one, and those under which entities were found."""

    def __init__(self) -> None:
        self.seen: List[str] = []
        self.of_mentions: Set[str] = set()


def _read_answers(path: Path, ledger: Ledger, options: Options, keys: _Keys) -> Iterator[Tuple[int, Answer]]:
    return read_entries(path, ledger, partial(_read_entry, options, ledger, keys))


def _read_entry(options: Options, ledger: Ledger, keys: _Keys, value: Any) -> Answer:
    if not isinstance(value, dict):
        raise InputError(f"found {excerpt(value)}, expected an object with a text and its entities")
    entry = validate(_ENTRY, value)
    keys.seen = keys.seen or list(value)
    key, items = _find_mentions(value, options, ledger)
    if key is not None:
        keys.of_mentions.add(key)
    mentions = [_read_mention(item, f"{key}[{i}]", entry, options, ledger) for i, item in enumerate(items)]
    record = Record(
        text=entry.text,
        mentions=mentions,
        document=to_id(entry.meta.get("id", entry.id)),
        cats=entry.cats,
        annotated_labels=entry.labels,
    )
    binary = entry.view_id == "ner" if entry.is_binary is None else entry.is_binary
    return Answer(record, entry.answer, entry.answer is not None and binary)


def _find_mentions(entry: Dict[str, Any], options: Options, ledger: Ledger) -> Tuple[Optional[str], List[Any]]:
    """Find the key that has the entities.

    RETURNS (Tuple[Optional[str], List[Any]]): The key, and the entities; None if there is no such key.
    RAISES (InputError): If there are several, or another has offsets.
    """
    if options.entity_key is not None:
        value: Any = entry
        for part in [options.entity_key] if options.entity_key in entry else options.entity_key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        others = [entry[key] for key in MENTION_KEYS if key in entry and entry[key] is not value]
        ledger.passed_over["entities under other keys"] += sum(len(o) for o in others if isinstance(o, (list, dict)))
        return (None, []) if value is None else (options.entity_key, validate(_LIST, value, options.entity_key))
    keys = [key for key in MENTION_KEYS if key in entry]
    groups = entry.get("spans")
    if "ents" in keys and isinstance(groups, dict):  # Doc.to_json has its span groups there
        ledger.passed_over["spans of span groups"] += sum(len(validate(_LIST, group)) for group in groups.values())
        keys.remove("spans")
    filled = [key for key in keys if entry[key] != []]
    if len(filled) > 1:
        raise InputError(f"found {' and '.join(filled)}, expected the entities in one of them: take the others out")
    for key, value in entry.items():
        if key not in MENTION_KEYS and key not in OTHER_KEYS:
            where = find_offsets(value, key)
            if where is not None:
                raise InputError(f"found offsets under {where}: use --entity-key {key} if they are entities")
    if "relations" in entry:
        ledger.passed_over["relations"] += len(validate(_LIST, entry["relations"], "relations"))
    if not keys:
        return None, []
    [key, *_] = filled or keys
    return key, validate(_LIST, entry[key], key)


def _read_mention(item: Any, where: str, entry: _Entry, options: Options, ledger: Ledger) -> Mention:
    if isinstance(item, list):
        if len(item) != 3:
            raise InputError(f"{where}: found {excerpt(item)}, expected [start, end, label]")
        item = dict(zip(("start", "end", "label"), item))
    span = validate(_SPAN, item, where)
    try:
        if span.start is None and span.end is None and span.token_start is not None:
            span.start, span.end = _characters_of(span, entry)
        if span.start is None or span.end is None:
            raise InputError(f"found no offsets in {excerpt(item)}, expected start and end")
        [place] = locate(entry.text, [(span.start, span.end)], options.offsets, ledger, span.text)
    except InputError as err:
        raise InputError(f"{where}: {err}") from None
    return Mention(*place, span.label, span.kb_id)


def _characters_of(span: _Span, entry: _Entry) -> Tuple[int, int]:
    """RETURNS (Tuple[int, int]): The offsets of a span of tokens, of which Prodigy names the first and the last."""
    offsets = []
    for key, index in (("token_start", span.token_start), ("token_end", span.token_end)):
        if index is None or not 0 <= index < len(entry.tokens):
            raise InputError(f"found the {key} {index}, but there are {len(entry.tokens)} tokens to resolve it by")
        offsets.append(validate(_TOKEN, entry.tokens[index], f"tokens[{index}]"))
    return offsets[0].start, offsets[1].end
