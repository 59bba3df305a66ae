"""Pairs of a text and its entities, as spaCy 2's TRAIN_DATA has them, saved as JSON; and NER Annotator's export, which
holds such pairs.
"""

from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List

from pydantic import BaseModel, FiniteFloat, TypeAdapter

from ...util import InputError
from ..entries import first_entry, read_entries
from ..json_values import Name, Text, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..offsets import locate
from ..options import Options
from ..record import Mention, Record


class _Annotations(BaseModel):
    entities: List[List[Any]]
    cats: Dict[Text, FiniteFloat] = {}


_ANNOTATIONS, _LIST = TypeAdapter(_Annotations), TypeAdapter(List[Any])
_TEXT, _NAME, _INTEGER = TypeAdapter(Text), TypeAdapter(Name), TypeAdapter(int)


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file's first entry is such a pair, or holds them as NER Annotator's do."""
    entry = first_entry(path)
    return _is_pair(entry) or isinstance(entry, dict) and "classes" in entry and "annotations" in entry


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and isinstance(entry[1], dict)


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the labels, what cannot be read, and the texts that nobody annotated, which are passed over.
    options (Options): What offsets count.
    YIELDS (Record): A record for each text.
    """
    for line, records in read_entries(path, ledger, partial(_read_entry, options, ledger)):
        for record in records:
            ledger.note_labels(record.mentions, line)
            yield record


def _read_entry(options: Options, ledger: Ledger, entry: Any) -> List[Record]:
    """RETURNS (List[Record]): The records of a pair, which is one, or of all that an object holds."""
    if not isinstance(entry, dict):
        return [_read_pair(entry, options, ledger)]
    records = []
    pairs = validate(_LIST, entry.get("annotations"), "annotations")
    for i, pair in enumerate(pairs):
        if pair is None:
            ledger.passed_over["texts that nobody annotated"] += 1
            continue
        try:
            records.append(_read_pair(pair, options, ledger))
        except InputError as err:
            raise InputError(f"annotations[{i}]: {err}") from None
    return records


def _read_pair(pair: Any, options: Options, ledger: Ledger) -> Record:
    if not _is_pair(pair):
        raise InputError(f'found {excerpt(pair)}, expected a text and its entities: ["...", {{"entities": [...]}}]')
    text, annotations = validate(_TEXT, pair[0], "text"), validate(_ANNOTATIONS, pair[1])
    for key in pair[1]:
        if key not in _Annotations.model_fields:
            ledger.passed_over[f"annotation under {excerpt(key)}"] += 1
    mentions = []
    for i, entity in enumerate(annotations.entities):
        where = f"entities[{i}]"
        if len(entity) != 3:
            raise InputError(f"{where}: found {excerpt(entity)}, expected [start, end, label]")
        start, end = (validate(_INTEGER, offset, f"{where}[{j}]") for j, offset in enumerate(entity[:2]))
        label = validate(_NAME, entity[2], f"{where}[2]")
        try:
            [place] = locate(text, [(start, end)], options.offsets, ledger)
        except InputError as err:
            raise InputError(f"{where}: {err}") from None
        mentions.append(Mention(*place, label))
    return Record(text=text, mentions=mentions, cats=annotations.cats)
