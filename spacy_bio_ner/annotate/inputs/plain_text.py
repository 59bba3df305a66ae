"""Plain text: a text on each line, or in each file."""

from pathlib import Path
from typing import Iterator

from .item import Fields, Item, Text, make_item
from .streams import Progress, open_stream, read_lines


def read_each_line(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file with a text on each line. Blank lines are no texts; the id of a text is its place.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): Not used, since there are none.
    progress (Progress): Takes what is read.
    YIELDS (Item): An item for each line that is not blank.
    """
    for place, line in read_lines(path, name, progress):
        yield Text(place, line, place) if isinstance(line, str) else line


def read_whole(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read a file that is a text.

    path (Path): The file, UTF-8 with or without a byte order mark.
    name (str): Its name, which is the text's id.
    fields (Fields): Not used, since there are none.
    progress (Progress): Takes what is read.
    YIELDS (Item): The one item.
    """
    with open_stream(path, name, progress) as file:
        text = file.read().decode("utf8", "surrogateescape").removeprefix("\ufeff")
    yield make_item({"text": text}, Fields(), name)
