"""Tables with a row for each sentence: its words in one cell, their tags in another, each as a list as Python, NumPy or
JSON write it, or with blanks between.
"""

import ast
import io
import tokenize
from pathlib import Path
from typing import Iterator, List

from ...util import InputError
from ..json_values import STRINGS, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..options import Options
from ..tables import find_column, read_header, read_rows
from ..tagged import Sentence, without_blanks
from .hugging_face import TAG_KEYS, tag_namer

WORDS = ("tokens", "words", "sentence", "text")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is such a table, by its first line."""
    header = read_header(path)
    return find_column(header, WORDS) >= 0 and find_column(header, (*TAG_KEYS, "tag")) >= 0


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a table.

    path (Path): The file.
    ledger (Ledger): Takes the rows that cannot be read.
    options (Options): Its entity_key names the column of the tags, its tag_names are those of numbered tags.
    YIELDS (Sentence): The sentences.
    """
    rows = read_rows(path, ledger)
    _, header = next(rows, (1, []))
    tag_columns = (*TAG_KEYS, "tag") if options.entity_key is None else (options.entity_key.lower(),)
    words_at, tags_at = find_column(header, WORDS), find_column(header, tag_columns)
    if words_at < 0 or tags_at < 0:
        ledger.error(1, f"found the columns {excerpt(header)}, expected {WORDS[0]!r} and {tag_columns[0]!r}")
        return
    to_names = tag_namer(path, options)
    for line, row in rows:
        if not any(row):
            continue
        try:
            words, tags = _read_list(row[words_at]), _read_list(row[tags_at])
            if tags and all(tag.isdecimal() for tag in tags):
                tags = to_names([int(tag) for tag in tags], header[tags_at])
            if len(words) != len(tags):
                raise InputError(f"found {len(tags)} tags for {len(words)} words, expected as many")
            if not words:
                raise InputError("found no word, expected a sentence")
        except InputError as err:
            ledger.tokens["refused"] += 1
            ledger.error(line, str(err))
        else:
            yield without_blanks(Sentence([line] * len(words), words, tags), ledger)


def _read_list(cell: str) -> List[str]:
    """RETURNS (List[str]): The items of a list.
    RAISES (InputError): If a cell starts as a list and is none of strings or numbers."""
    if not cell.lstrip().startswith("["):
        return cell.split()
    items = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(cell.strip()).readline):
            if token.type == tokenize.STRING:
                items.append(ast.literal_eval(token.string))
            elif token.type == tokenize.NUMBER:
                items.append(token.string)
            elif token.string.strip() not in ("", "[", "]", ","):
                raise ValueError(token.string)
        return validate(STRINGS, items)
    except (tokenize.TokenError, SyntaxError, ValueError):
        raise InputError(f"found {excerpt(cell)}, expected a list of strings or numbers") from None
