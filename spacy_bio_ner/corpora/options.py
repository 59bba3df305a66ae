"""What a person may have to say about a source because the source does not say it."""

from dataclasses import dataclass
from enum import Enum
from typing import List, NamedTuple, Optional


class Offsets(str, Enum):
    """What offsets count.

    characters: Unicode's code points, as Python counts.
    utf16: UTF-16 units, as JavaScript and Java count: two for an emoji.
    """

    characters = "characters"
    utf16 = "utf16"


class Columns(NamedTuple):
    """Where a line of columns has its token and its tag. Columns count from 1, or from -1 at the line's end.

    separator (Optional[str]): What parts the columns. If None, a tab where a line has one, else blanks.
    token (Optional[int]): The token's column. If None it is told by the first lines.
    tag (Optional[int]): The tag's column. If None it is told by the first lines.
    """

    separator: Optional[str] = None
    token: Optional[int] = None
    tag: Optional[int] = None


@dataclass(frozen=True)
class Options:
    """How to read a source. Each reader takes from it what concerns its format.

    columns (Columns): Where columns have tokens and tags.
    offsets (Optional[Offsets]): What the offsets of mentions count; what is usual in the format if None.
    entity_key (Optional[str]): The key, column or layer that holds the entities, if it is none of those that are known.
    tag_names (Optional[List[str]]): The names of numbered tags, in order.
    """

    columns: Columns = Columns()
    offsets: Optional[Offsets] = None
    entity_key: Optional[str] = None
    tag_names: Optional[List[str]] = None
