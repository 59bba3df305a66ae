"""The one shape in which every kind of input gives what it has read."""

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple, Union

from ...corpora.lines import excerpt
from ...util import printable

SEPARATOR = "\n\n"  # between the parts of a text that is in several fields


@dataclass(frozen=True)
class Text:
    """A text to annotate.

    id (str): The id of the document.
    text (str): The text.
    place (str): Where it was read: the file's name, with the number of the line or row in it.
    date (Optional[str]): The date it is of, as the source has it.
    """

    id: str
    text: str
    place: str
    date: Optional[str] = None


@dataclass(frozen=True)
class Refused:
    """An input that cannot be annotated.

    id (Optional[str]): The id of the document, if it is known.
    place (str): Where it was read.
    cause (str): What was found, and what was expected.
    """

    id: Optional[str]
    place: str
    cause: str


Item = Union[Text, Refused]


@dataclass(frozen=True)
class Fields:
    """The names of fields, or columns, that hold what is wanted.

    text (Tuple[str, ...]): The text; what is in several fields is joined by blank lines.
    id (Optional[str]): The id. If None, that is "id" where there is one, and the place elsewhere.
    date (Optional[str]): The date. If None, that is "date" where there is one.
    """

    text: Tuple[str, ...] = ("text",)
    id: Optional[str] = None
    date: Optional[str] = None

    @property
    def named(self) -> Tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The fields that have to be there."""
        return (*self.text, *(name for name in (self.id, self.date) if name is not None))


def make_item(row: Mapping[str, Any], fields: Fields, place: str) -> Item:
    """Make an item of an object or row. What is null is the same as not there.

    row (Mapping[str, Any]): The values by the names of their fields.
    fields (Fields): Which of them to take.
    place (str): Where it was read.
    RETURNS (Item): The text, or why there is none.
    """
    document = row.get(fields.id or "id")
    if document is None or document == "":
        if fields.id is not None:
            return Refused(None, place, f"found no {fields.id!r}, expected the document's id in it")
        document = place
    if type(document) not in (str, int):  # True is an int to Python
        return Refused(None, place, f"found the id {excerpt(document)}, expected a string or a whole number")
    document = str(document)
    parts = [row[name] for name in fields.text if row.get(name) is not None]
    if not parts:
        names = " or ".join(map(repr, fields.text))
        return Refused(printable(document), place, f"found no {names}, expected the text in it")
    for part in parts:
        if not isinstance(part, str):
            return Refused(printable(document), place, f"found {excerpt(part)} as text, expected a string")
    text = SEPARATOR.join(parts)
    date = row.get(fields.date or "date")
    date = None if date is None or date == "" else str(date)
    for name, value in (("id", document), ("text", text), ("date", date or "")):
        try:
            value.encode("utf8")
        except UnicodeEncodeError as err:
            cause = f"found {ascii(value[err.start])} in the {name}, expected characters of UTF-8"
            return Refused(printable(document), place, cause)
    return Text(document, text, place, date)
