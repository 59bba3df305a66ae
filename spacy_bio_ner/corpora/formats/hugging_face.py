"""Data sets of Hugging Face, in JSON or Parquet: the words of a sentence under "tokens", their tags under "ner_tags",
as names, or as numbers whose names the data set's card has.
"""

import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import srsly

from ...util import InputError
from ..entries import first_entry, is_parquet, parquet_metadata, read_entries
from ..json_values import INTEGERS, STRINGS, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..options import Options
from ..tagged import Sentence, without_blanks

WORD_KEYS = ("tokens", "words")
TAG_KEYS = ("ner_tags", "ner", "tags", "labels", "bio_tags", "iob_tags")
CARD, INFOS = "README.md", "dataset_infos.json"


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file's first entry has lists of words and tags."""
    entry = first_entry(path)
    if not isinstance(entry, dict):
        return False
    words = entry.get(find_key(entry, WORD_KEYS) or "")
    tags = entry.get(find_key(entry, TAG_KEYS) or "")
    lists = (words, tags)
    return all(isinstance(items, list) and all(isinstance(item, (str, int)) for item in items) for items in lists)


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the entries that cannot be read.
    options (Options): Its entity_key names the tags, its tag_names are those of numbered tags.
    YIELDS (Sentence): The sentences.
    """
    to_names = tag_namer(path, options)

    def read_entry(entry: Any) -> Tuple[List[str], List[str]]:
        if not isinstance(entry, dict):
            raise InputError(f"found {excerpt(entry)}, expected an object with words and their tags")
        tag_keys = TAG_KEYS if options.entity_key is None else (options.entity_key,)
        words_key, tags_key = find_key(entry, WORD_KEYS), find_key(entry, tag_keys)
        if words_key is None or tags_key is None:
            raise InputError(f"found the keys {excerpt(list(entry))}, expected {WORD_KEYS[0]} and {tag_keys[0]}")
        words = validate(STRINGS, entry[words_key], words_key)
        tags = entry[tags_key]
        if isinstance(tags, list) and tags and not isinstance(tags[0], str):
            tags = to_names(validate(INTEGERS, tags, tags_key), tags_key)
        tags = validate(STRINGS, tags, tags_key)
        if len(words) != len(tags):
            raise InputError(f"found {len(tags)} {tags_key} for {len(words)} {words_key}, expected as many")
        return words, tags

    for line, (words, tags) in read_entries(path, ledger, read_entry):
        if words:
            yield without_blanks(Sentence([line] * len(words), words, tags), ledger)
        else:
            ledger.passed_over["texts without a word"] += 1


def find_key(entry: Dict[str, Any], keys: Sequence[str]) -> Optional[str]:
    """RETURNS (Optional[str]): The first of some keys that an entry has."""
    return next((key for key in keys if key in entry), None)


def tag_namer(path: Path, options: Options) -> Callable[[List[int], str], List[str]]:
    """Make a function that gives the names of numbered tags.

    path (Path): The file that has the numbers.
    options (Options): Has their names, if the file and the cards beside it have not.
    RETURNS (Callable[[List[int], str], List[str]]): Takes the numbers and the key they stand under; raises InputError
        if their names are not known.
    """
    known: Dict[str, List[str]] = {}

    def to_names(numbers: List[int], key: str) -> List[str]:
        if key not in known:
            known[key] = options.tag_names or _names_of(path, key)
        names = known[key]
        if not names:
            raise InputError(
                f"found numbers as {key}, but no names of them in the file, or in {CARD} or {INFOS} beside it: give "
                "them with --labels, in order, such as O,B-PER,I-PER"
            )
        beyond = [number for number in numbers if not 0 <= number < len(names)]
        if beyond:
            raise InputError(f"found the number {beyond[0]} in {key}, expected 0 to {len(names) - 1}: {excerpt(names)}")
        return [names[number] for number in numbers]

    return to_names


def _names_of(path: Path, key: str) -> List[str]:
    """RETURNS (List[str]): The names of numbered tags, as the file or a card beside it has them; none if they have not.
    RAISES (InputError): If there are several that differ."""
    cards: List[Any] = [parquet_metadata(path).get("huggingface")] if is_parquet(path) else []
    for folder in (path.parent, path.parent.parent):
        cards += [_read_card(folder / CARD), _read_infos(folder / INFOS)]
    for card in cards:
        found = [names for names in _find_names(card, key) if names]
        if any(names != found[0] for names in found):
            raise InputError(f"found several lists of names for {key}: give the right one with --labels, in order")
        if found:
            return found[0]
    return []


def _read_card(path: Path) -> Any:
    """RETURNS (Any): The YAML at the start of a card."""
    if not path.is_file():
        return None
    _, front, *_ = [*path.read_text(encoding="utf8", errors="replace").split("---\n", 2), "", ""]
    try:
        return srsly.yaml_loads(front)
    except ValueError:
        return None


def _read_infos(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (ValueError, RecursionError):
        return None


def _find_names(card: Any, key: str) -> Iterator[List[str]]:
    """YIELDS (List[str]): The names of the classes that a feature has, in each configuration of a card."""
    if isinstance(card, list):
        for item in card:
            yield from _find_names(item, key)
    elif isinstance(card, dict):
        if card.get("name") == key:
            yield from _class_names(card)
        for name, value in card.items():
            yield from _class_names(value) if name == key else _find_names(value, key)


def _class_names(feature: Any) -> Iterator[List[str]]:
    if isinstance(feature, dict):
        names = feature.get("names")
        if isinstance(names, dict):  # '0': O, '1': B-PER
            names = [names.get(str(i), names.get(i)) for i in range(len(names))]
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            yield names
        for name, value in feature.items():
            if name != "names":
                yield from _class_names(value)
