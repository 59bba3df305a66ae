"""The texts to ask about."""

from typing import Iterator, List, Tuple

from ..annotate.inputs.discovery import Source, read_items
from ..annotate.inputs.item import Fields, Refused
from ..annotate.inputs.streams import Progress
from ..util import printable


def read_texts(
    sources: List[Source], fields: Fields, max_length: int, passed_over: List[str]
) -> Iterator[Tuple[str, str]]:
    """Read texts as `bio-ner annotate` does.

    sources (List[Source]): The files.
    fields (Fields): Where in them the texts are.
    max_length (int): The number of characters that the pipeline takes.
    passed_over (List[str]): Takes a line for each input that is no text, or too long.
    YIELDS (Tuple[str, str]): The texts and their ids.
    """
    for item in read_items(sources, fields, Progress()):
        if isinstance(item, Refused):
            passed_over.append(printable(f"{item.place}: {item.cause}"))
        elif len(item.text) > max_length:
            passed_over.append(f"{item.place}: found {len(item.text)} characters, expected at most {max_length}")
        else:
            yield item.text, item.id
