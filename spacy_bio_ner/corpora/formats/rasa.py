"""Rasa's training data for understanding, in YAML: utterances by intent, with entities as in "[Rome](city)" or
'[two]{"entity": "people"}'.
"""

import re
from pathlib import Path
from typing import Any, Iterator, List, Optional, Union

import srsly
from pydantic import BaseModel, TypeAdapter

from ...util import InputError
from ..json_values import Name, Text, parse, validate
from ..ledger import Ledger
from ..lines import excerpt, read_text
from ..options import Options
from ..record import Mention, Record

SAMPLE = 1 << 16  # bytes to tell the format by
_NLU = re.compile(rb"^nlu:\s*(?:#.*)?$", re.MULTILINE)
# [text](label), [text](label:value), [text]{"entity": "label", ...}, [text][{...}, {...}]
_ENTITY = re.compile(r"\[([^\]\[]+)\](?:\(([^():]+)(?::[^)]*)?\)|(\{[^}]+\})|(\[\{[^\]]+\]))")
_UNREAD = re.compile(r"\][({\[]")


class _Example(BaseModel):
    text: Text


class _Item(BaseModel):
    """An item of the list under "nlu": an intent with its examples, or synonyms and the like."""

    intent: Optional[Name] = None
    examples: Union[Text, List[Union[Text, _Example]]] = ""


class _Entity(BaseModel):
    entity: Name
    role: Any = None
    group: Any = None


_ITEMS, _ENTITY_OBJECTS = TypeAdapter(List[_Item]), TypeAdapter(List[_Entity])


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file has a line that starts the list "nlu"."""
    with path.open("rb") as file:
        return _NLU.search(file.read(SAMPLE).replace(b"\r", b"")) is not None


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the labels, what cannot be read, and what is passed over: synonyms, lookup tables, regular
        expressions, roles and groups of entities.
    options (Options): Not used: the format has no offsets, and its keys are its own.
    YIELDS (Record): The utterances. Their categories are all intents of the file, 1.0 for their own.
    """
    text = read_text(path, ledger)
    if text is None:
        return
    try:
        content = srsly.yaml_loads(text)
        items = validate(_ITEMS, content.get("nlu") if isinstance(content, dict) else None, "nlu")
    except (ValueError, RecursionError) as err:
        reason = " ".join(str(err).split("\n\n")[0].split())
        ledger.error(1, f"not Rasa's YAML as expected: {reason}")
        return
    intents = sorted({item.intent for item in items if item.intent is not None})
    lines = _Lines(text)
    for item, raw in zip(items, content["nlu"]):
        if item.intent is None:
            ledger.passed_over[f"items under {excerpt(next(iter(raw), None))}"] += 1
            continue
        cats = {intent: float(intent == item.intent) for intent in intents}
        for example in _examples(item, lines, ledger):
            line = lines.find(example)
            try:
                record = _read_example(example, ledger)
            except InputError as err:
                ledger.error(line, str(err))
            else:
                record.cats = cats
                ledger.note_labels(record.mentions, line)
                yield record


class _Lines:
    """Finds the lines of examples, which YAML does not tell, in the order in which they are asked for."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.at = 0

    def find(self, example: str) -> int:
        """RETURNS (int): The number of the next line that is an example, or else has it; the one before if none has."""
        first = example.strip().split("\n")[0]
        rest = range(self.at, len(self.lines))
        exact = (i for i in rest if self.lines[i].strip().removeprefix("- ").strip() == first)
        found = next(exact, next((i for i in rest if first in self.lines[i]), self.at - 1))
        self.at = found + 1
        return self.at


def _examples(item: _Item, lines: _Lines, ledger: Ledger) -> Iterator[str]:
    """YIELDS (str): The examples of an intent: the lines of a list in one text, or the items of a list."""
    if not isinstance(item.examples, str):
        yield from (example if isinstance(example, str) else example.text.strip() for example in item.examples)
        return
    for line in item.examples.splitlines():
        if line.strip().startswith("- "):
            yield line.strip()[2:].strip()
        elif line.strip():
            ledger.error(lines.find(line), f"found {excerpt(line)}, expected an example: - and its text")


def _read_example(example: str, ledger: Ledger) -> Record:
    record, text, end = Record(), "", 0
    for match in _ENTITY.finditer(example):
        text += example[end : match.start()]
        words, label, object, objects = match.groups()
        labels = [label.strip()] if label is not None else _read_objects(object, objects, ledger)
        if not words.strip() or not all(labels):
            raise InputError(f"found {excerpt(match[0])}, expected [text](label)")
        record.mentions += [Mention(len(text), len(text) + len(words), label) for label in labels]
        text, end = text + words, match.end()
    record.text = text + example[end:]
    if not record.text.strip():
        raise InputError("found no word, expected an utterance")
    if _UNREAD.search(record.text):
        raise InputError(f"found {excerpt(example)}, expected entities as [text](label) or [text]{{...}}")
    return record


def _read_objects(object: Optional[str], objects: Optional[str], ledger: Ledger) -> List[str]:
    entities = validate(_ENTITY_OBJECTS, parse(objects or f"[{object}]"))
    for entity in entities:
        ledger.passed_over["roles and groups of entities"] += (entity.role is not None) + (entity.group is not None)
    return [entity.entity for entity in entities]
