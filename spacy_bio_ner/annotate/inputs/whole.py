"""Plain text: a file is a text."""

from pathlib import Path
from typing import Iterator

from .item import Fields, Item, make_item
from .streams import open_stream


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read a file.

    path (Path): The file, UTF-8 with or without a byte order mark.
    name (str): Its name, which is the text's id.
    fields (Fields): Not used, since there are none.
    YIELDS (Item): The one item.
    """
    with open_stream(path) as file:
        text = file.read().decode("utf8", "surrogateescape").removeprefix("\ufeff")
    yield make_item({"text": text}, Fields(), name)
