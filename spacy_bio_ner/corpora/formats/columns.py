"""BIO column files: a token and its tag on each line, an empty line after each sentence."""

import re
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, TextIO

from spacy.tokens import Doc

from ...util import InputError
from ..docbin import document_id
from ..ledger import Report
from ..lines import read_lines
from ..tagged import Sentence
from ..tags import MISSING

DOCSTART = "-DOCSTART-"


class Columns(NamedTuple):
    """Where a line has its token and its tag. Columns count from 1, or from -1 at the line's end.

    separator (Optional[str]): What parts the columns. If None, a tab where a line has one, else blanks.
    token (int): The token's column.
    tag (int): The tag's column.
    """

    separator: Optional[str] = None
    token: int = 1
    tag: int = -1

    def split(self, line: str) -> List[str]:
        """RETURNS (List[str]): The line's columns."""
        if self.separator is None and "\t" not in line:
            return re.split(" +", line.strip(" "))
        return [column.strip(" ") for column in line.split(self.separator or "\t")]

    def pick(self, columns: List[str], column: int) -> str:
        """RETURNS (str): One of the columns."""
        return columns[column - 1 if column > 0 else column]

    @property
    def n_needed(self) -> int:
        """RETURNS (int): How many columns a line must have at least."""
        return max(2, abs(self.token), abs(self.tag))


def read(path: Path, report: Report, columns: Columns = Columns()) -> Iterator[Sentence]:
    """Read a file.

    path (Path): The file, UTF-8.
    report (Report): Takes the lines that cannot be read.
    columns (Columns): Where the token and the tag are.
    YIELDS (Sentence): The sentences.
    """
    document = 0
    sentence = Sentence([], [], [])
    for number, line in read_lines(path, report):
        cells = columns.split(line)
        if not line.strip() or cells[0] == DOCSTART:
            if sentence.words:
                yield sentence
            document += cells[0] == DOCSTART
            sentence = Sentence([], [], [], str(document) if document else None)
            continue
        if len(cells) < columns.n_needed:
            report.tokens["refused"] += 1
            report.error(number, f"found {len(cells)} column(s) in {line!r}, expected at least {columns.n_needed}")
            continue
        token, tag = columns.pick(cells, columns.token), columns.pick(cells, columns.tag)
        if not token:
            report.tokens["refused"] += 1
            report.error(number, f"the tag {tag!r} stands on an empty token, expected a token")
            continue
        sentence.lines.append(number)
        sentence.words.append(token)
        sentence.tags.append(tag)
    if sentence.words:
        yield sentence


def write(docs: Iterable[Doc], file: TextIO) -> None:
    """Write Docs as tab-separated tokens and BIO tags, - for missing annotation, with a -DOCSTART- line
    before each document where the Docs know theirs. White space between tokens is not kept.

    docs (Iterable[Doc]): The Docs.
    file (TextIO): The file to write to.
    RAISES (InputError): If a token cannot stand in a column.
    """
    document = None
    for doc in docs:
        if document_id(doc) != document:
            document = document_id(doc)
            file.write(f"{DOCSTART}\tO\n\n")
        for sentence in doc.sents if doc.has_annotation("SENT_START") else [doc]:
            before = ""
            for token in sentence:
                if token.is_space:
                    if token.ent_iob_ == "B":
                        before = "B"
                    continue
                for cell in (token.text, token.ent_type_):
                    if re.search("[\t\n\r]", cell) or cell.strip(" ") != cell or cell == DOCSTART:
                        raise InputError(f"document {document or ''}: {cell!r} cannot stand in a column")
                # An entity that starts with white space starts with the token after it.
                prefix = "B" if before == "B" and token.ent_iob_ == "I" else token.ent_iob_
                tag = f"{prefix}-{token.ent_type_}" if token.ent_type_ else "O"
                file.write(f"{token.text}\t{tag if token.ent_iob else MISSING}\n")
                before = "-"
            if before:
                file.write("\n")
