"""Items cut into shards, the unit of work: done by one worker, whole or not at all."""

import sqlite3
import tempfile
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Sequence, TypeVar

from ..checksums import digest_json
from ..util import InputError
from .inputs.item import Item, Refused, Text

SHARD_CHARS = 1_000_000  # closes a shard of long texts, whatever it is to hold, so that memory stays bounded
AnyItem = TypeVar("AnyItem", Text, Item)


@dataclass(frozen=True)
class Shard:
    """Some of the items.

    number (int): Its place among the shards, from 0.
    items (Sequence[Item]): The items.
    """

    number: int
    items: Sequence[Item]

    def digest(self) -> str:
        """RETURNS (str): The SHA-256 of the items."""
        return digest_json([vars(item) for item in self.items])


def cut_shards(items: Iterable[Item], size: int) -> Iterator[Shard]:
    """Cut items into shards, always in the same way.

    items (Iterable[Item]): The items.
    size (int): How many make a shard, if SHARD_CHARS does not close it before.
    YIELDS (Shard): The shards.
    """
    for number, part in enumerate(cut(items, size, SHARD_CHARS)):
        yield Shard(number, part)


def cut(items: Iterable[AnyItem], size: int, n_chars: int) -> Iterator[List[AnyItem]]:
    """Cut items into lists.

    items (Iterable[AnyItem]): The items.
    size (int): How many a list holds at most.
    n_chars (int): A list ends with the item with which its texts have as many characters.
    YIELDS (List[AnyItem]): The lists.
    """
    part: List[AnyItem] = []
    length = 0
    for item in items:
        part.append(item)
        length += len(item.text) if isinstance(item, Text) else 0
        if len(part) == size or length >= n_chars:
            yield part
            part, length = [], 0
    if part:
        yield part


def refuse_repeated(items: Iterable[Item]) -> Iterator[Item]:
    """Let the first text of each id pass, and refuse the others. The ids are kept on disk.

    items (Iterable[Item]): The items.
    YIELDS (Item): As many items.
    RAISES (InputError): If there is no room for the ids.
    """
    connection = sqlite3.connect("")  # a temporary file, that SQLite makes and removes
    try:
        connection.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
        for item in items:
            if isinstance(item, Text):
                new = connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (item.id, item.place))
                if not new.rowcount:
                    [place] = connection.execute("SELECT place FROM seen WHERE id = ?", (item.id,)).fetchone()
                    item = Refused(item.id, item.place, f"found the id of {place} again, expected another")
            yield item
    except sqlite3.Error as err:
        raise InputError(f"{tempfile.gettempdir()}: cannot keep the ids of the texts there: {err}") from None
    finally:
        connection.close()
