"""Plain text: a text on each line."""

from pathlib import Path
from typing import Iterator

from .item import Fields, Item, Text
from .streams import read_lines


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read a file. Blank lines are no texts; the id of a text is its place.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): Not used, since there are none.
    YIELDS (Item): An item for each line that is not blank.
    """
    for place, line in read_lines(path, name):
        yield Text(place, line, place) if isinstance(line, str) else line
