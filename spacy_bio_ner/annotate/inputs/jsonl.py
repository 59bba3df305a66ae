"""JSON Lines: an object on each line."""

import json
from pathlib import Path
from typing import Iterator

from ...corpora.lines import excerpt
from .item import Fields, Item, Refused, make_item
from .streams import read_lines


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read a file.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): The keys of an object to take.
    YIELDS (Item): An item for each line that is not blank.
    """
    for place, line in read_lines(path, name):
        yield _read_line(line, fields, place) if isinstance(line, str) else line


def _read_line(line: str, fields: Fields, place: str) -> Item:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as err:
        cause = f"not JSON ({err.msg} at character {err.pos + 1}), expected an object on each line"
        return Refused(None, place, cause)
    except (ValueError, RecursionError) as err:  # a number of thousands of digits, thousands of brackets
        return Refused(None, place, f"JSON that cannot be read ({err}), expected an object on each line")
    if not isinstance(entry, dict):
        return Refused(None, place, f"found {excerpt(entry)}, expected an object on each line")
    return make_item(entry, fields, place)
