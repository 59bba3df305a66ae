"""JSON Lines: an object on each line."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from ...corpora.lines import excerpt
from .item import Fields, Item, Refused, make_item
from .streams import Progress, read_lines


def read(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): The keys of an object to take.
    progress (Progress): Takes what is read.
    YIELDS (Item): An item for each line that is not blank.
    """
    for place, line in read_lines(path, name, progress):
        yield _read_line(line, fields, place) if isinstance(line, str) else line


def unique_keys(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """Make the dictionary of a JSON object, for json.loads.

    pairs (List[Tuple[str, Any]]): The keys and values.
    RETURNS (Dict[str, Any]): The dictionary.
    RAISES (ValueError): If a key occurs twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {excerpt(twice)} is there twice")
    return found


def _read_line(line: str, fields: Fields, place: str) -> Item:
    try:
        entry = json.loads(line, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as err:
        cause = f"not JSON ({err.msg} at character {err.pos + 1}), expected an object on each line"
        return Refused(None, place, cause)
    except (ValueError, RecursionError) as err:  # a key twice, a number of thousands of digits, thousands of brackets
        return Refused(None, place, f"JSON that cannot be read ({err}), expected an object on each line")
    if not isinstance(entry, dict):
        return Refused(None, place, f"found {excerpt(entry)}, expected an object on each line")
    return make_item(entry, fields, place)
