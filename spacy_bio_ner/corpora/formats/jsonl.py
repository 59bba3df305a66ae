"""JSON Lines as annotation tools write them: on each line an object with a text and its entities. Entities
are lists [start, end, label], or objects with the offsets of characters, or of Prodigy's tokens.
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, TextIO, Tuple

from spacy.tokens import Doc

from ...util import InputError
from ..docbin import document_id, whole_mentions
from ..ledger import Report
from ..lines import excerpt, first_line, read_lines
from ..record import Mention, Record

TEXT_KEYS = ("text", "data")
MENTION_KEYS = ("spans", "label", "labels", "entities")
OFFSET_KEYS = (("start", "end"), ("start_offset", "end_offset"))


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is in this format: its first line holds a JSON object."""
    try:
        _parse(first_line(path))
    except (InputError, RecursionError):
        return False
    return True


def read(path: Path, report: Report) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    report (Report): Takes the labels, and the lines that cannot be read.
    YIELDS (Record): A record for each line.
    """
    for number, line in read_lines(path, report):
        if not line.strip():
            continue
        try:
            record = _read_record(_parse(line))
        except InputError as err:
            report.error(number, str(err))
        except RecursionError:
            report.error(number, "found values nested too deeply, expected a text and its entities")
        else:
            for mention in record.mentions:
                report.labels.setdefault(mention.label, report.where(number))
            yield record


def write(docs: Iterable[Doc], file: TextIO) -> None:
    """Write Docs with the mentions of their source, in the form that Prodigy has.

    docs (Iterable[Doc]): The Docs.
    file (TextIO): The file to write to.
    RAISES (InputError): If a Doc cannot be written.
    """
    for number, doc in enumerate(docs, 1):
        document = document_id(doc)
        where = f"Doc {number}" if document is None else f"document {document!r}"
        entry: Dict[str, Any] = {"text": doc.text, "spans": []}
        for mention in whole_mentions(doc, where):
            span = {"start": mention.start_char, "end": mention.end_char, "label": mention.label}
            entry["spans"].append({**span, "kb_id": mention.kb_id} if mention.kb_id else span)
        if document is not None:
            entry["meta"] = {"id": document}
        if doc.cats:
            entry["cats"] = {name: float(value) for name, value in doc.cats.items()}
        try:
            line = json.dumps(entry, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise InputError(f"{where}: found the categories {entry['cats']}, expected finite numbers") from None
        file.write(f"{line}\n")


def _parse(line: str) -> Dict[str, Any]:
    """Parse a line. An entry that is null is the same as none."""
    try:
        entry = json.loads(line, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except InputError:
        raise
    except json.JSONDecodeError as err:
        raise InputError(f"not JSON ({err.msg} at character {err.pos + 1}), expected an object on each line") from None
    except ValueError:  # Python parses no integer of thousands of digits
        raise InputError("found a number too large to read") from None
    if not isinstance(entry, dict):
        raise InputError(f"found {excerpt(entry)}, expected an object with a text and its entities")
    return entry


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    entry: Dict[str, Any] = {}
    for key, value in pairs:
        if key in entry:
            raise InputError(f"found the key {excerpt(key)} twice in an object, expected it once")
        entry[key] = value
    return {key: value for key, value in entry.items() if value is not None}


def _refuse_constant(name: str) -> None:
    raise InputError(f"found {name}, expected a finite number")


def _read_record(entry: Dict[str, Any]) -> Record:
    if entry.get("answer", "accept") != "accept":
        answer = excerpt(entry["answer"])
        raise InputError(f"found the answer {answer}, but only accepted examples can be used: filter the file")
    text = _string(next((entry[key] for key in TEXT_KEYS if key in entry), None), "text")
    keys = [key for key in MENTION_KEYS if entry.get(key, []) != []]
    if len(keys) > 1:
        raise InputError(f"found {' and '.join(keys)}, expected the entities in one of them: take the others out")
    mentions = []
    for key in keys:
        for i, item in enumerate(_list(entry[key], key)):
            try:
                mentions.append(_read_mention(item, text, entry))
            except InputError as err:
                raise InputError(f"{key}[{i}]: {err}") from None
    document = _object(entry.get("meta", {}), "meta").get("id", entry.get("id"))
    if type(document) is int:
        document = str(document)
    return Record(
        text=text,
        mentions=mentions,
        document=None if document is None else _string(document, "id"),
        cats=_read_cats(_object(entry.get("cats", {}), "cats")),
    )


def _read_mention(item: Any, text: str, entry: Dict[str, Any]) -> Mention:
    if isinstance(item, list):
        if len(item) != 3:
            raise InputError(f"found {excerpt(item)}, expected [start, end, label]")
        item = dict(zip(("start", "end", "label"), item))
    item = _object(item, "entity")
    start, end = _read_offsets(item, entry)
    if not 0 <= start < end <= len(text):
        raise InputError(
            f"found start {start} and end {end}, expected start before end, both inside the text of "
            f"{len(text)} characters"
        )
    label = _string(item.get("label"), "label")
    if not label.strip():
        raise InputError(f"found the label {label!r}, expected a name")
    return Mention(start, end, label, _string(item.get("kb_id", ""), "kb_id"))


def _read_offsets(item: Dict[str, Any], entry: Dict[str, Any]) -> Tuple[int, int]:
    for start, end in OFFSET_KEYS:
        if start in item or end in item:
            return _integer(item.get(start), start), _integer(item.get(end), end)
    if "token_start" not in item and "token_end" not in item:
        raise InputError(f"found no offsets in {excerpt(item)}, expected start and end")
    tokens = _list(entry.get("tokens", []), "tokens")
    offsets = []
    for key, offset in (("token_start", "start"), ("token_end", "end")):  # token_end is the last token itself
        index = _integer(item.get(key), key)
        if not 0 <= index < len(tokens):
            raise InputError(f"found the {key} {index}, but there are {len(tokens)} tokens to resolve it by")
        offsets.append(_integer(_object(tokens[index], "token").get(offset), f"{offset} of token {index}"))
    return offsets[0], offsets[1]


def _read_cats(cats: Dict[str, Any]) -> Dict[str, float]:
    for name, value in cats.items():
        if type(value) not in (int, float) or abs(value) > sys.float_info.max:
            raise InputError(f"found {excerpt(value)} for the category {excerpt(name)}, expected a finite number")
    return {_string(name, "category"): float(value) for name, value in cats.items()}


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"found {_found(value)} as {name}, expected a string")
    try:
        value.encode("utf8")
    except UnicodeEncodeError as err:
        half = ascii(value[err.start])
        raise InputError(f"found half of a surrogate pair ({half}) in the {name}, expected whole characters") from None
    return value


def _integer(value: Any, name: str) -> int:
    if type(value) is not int:  # True is an int to Python
        raise InputError(f"found {_found(value)} as {name}, expected a whole number")
    return value


def _list(value: Any, name: str) -> List[Any]:
    if not isinstance(value, list):
        raise InputError(f"found {_found(value)} as {name}, expected a list")
    return value


def _object(value: Any, name: str) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"found {_found(value)} as {name}, expected an object")
    return value


def _found(value: Any) -> str:
    return "nothing" if value is None else excerpt(value)
