"""Columns: a token and its tag on each line, an empty line after each sentence. So are CoNLL's corpora spread, and many
that came after: JNLPBA, MultiCoNER, GermEval, Universal NER, and what Label Studio calls CONLL2003.
"""

import re
from itertools import islice
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, TextIO, Tuple

from spacy.tokens import Doc

from ...util import InputError
from ..ledger import Ledger
from ..lines import excerpt, read_lines
from ..options import Columns, Options
from ..source_mentions import document_id, refuse_partial
from ..tagged import Sentence, without_blanks
from ..tags import MISSING, split_tag

DOCSTART = "-DOCSTART-"
SAMPLE = 1000  # lines to tell columns by
# Label Studio writes the token, which may be blank, these two columns, and a tag, whose label may have spaces.
_LABEL_STUDIO = " -X- _ "
# A comment that names the document, or the text, that it stands before.
_DOCUMENT = re.compile(r"#+\s*(?:MEDLINE:|id\s+|newdoc id\s*=\s*)([^\t]*\S)(?:\t.*)?")


class _Layout(NamedTuple):
    """What the lines of a file look like.

    separator (Optional[str]): What parts columns. If None, a tab where a line has one, else blanks.
    token (int): The index of the token's column.
    tag (int): The index of the tag's column.
    inner_tag (Optional[int]): The index of the column that has the tags of entities inside of entities.
    is_counted (bool): Whether the first column counts the tokens of a sentence.
    has_tabs (bool): Whether tabs part the columns of most lines.
    n_columns (Optional[int]): How many columns every line has; None if the user has named columns, and knows better.
    n_needed (int): How many columns a line has at least.
    """

    separator: Optional[str]
    token: int
    tag: int
    inner_tag: Optional[int]
    is_counted: bool
    has_tabs: bool
    n_columns: Optional[int]
    n_needed: int

    def is_comment(self, line: str, cells: List[str]) -> bool:
        """RETURNS (bool): Whether a line at the start of a sentence holds no token, but a comment."""
        if not line.startswith("#"):
            return False
        if self.is_counted or (self.has_tabs and "\t" not in line):
            return True
        return len(cells) < self.n_needed or self.n_columns not in (None, len(cells))

    def check(self, line: str, cells: List[str], n_tokens: int) -> None:
        """RAISES (InputError): If a line does not look as the others do, or cannot follow some tokens of a sentence."""
        if len(cells) < self.n_needed:
            raise InputError(f"found {len(cells)} column(s) in {excerpt(line)}, expected at least {self.n_needed}")
        if self.has_tabs and "\t" not in line:
            raise InputError(f"found no tab in {excerpt(line)}, but other lines have them between columns")
        if self.n_columns not in (None, len(cells)):
            raise InputError(
                f"found {len(cells)} column(s) in {excerpt(line)}, but the first line has {self.n_columns}: use "
                "tabs if a token or label has a blank in it, or --token-column and --tag-column"
            )
        if "\r" in line:
            raise InputError(f"found a carriage return in {excerpt(line)}: end all lines in the same way")
        if self.is_counted and cells[0] != str(n_tokens + 1):
            raise InputError(f"found {excerpt(cells[0])} in the column that counts tokens, expected {n_tokens + 1}")


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a file.

    path (Path): The file, UTF-8.
    ledger (Ledger): Takes the lines that cannot be read, and how many comments are passed over.
    options (Options): Its columns tell where the token and the tag are. If they do not, the token is in the first
        column and its tag in the last; or in the second and third, where the first counts the tokens.
    YIELDS (Sentence): The sentences.
    """
    layout = _find_layout(path, options.columns)
    n_documents = 0
    document: Optional[str] = None
    sentence = _new_sentence(document, layout)
    for number, line in read_lines(path, ledger):
        cells = split(line, layout.separator)
        is_start = cells[0] == DOCSTART
        is_comment = not sentence.words and layout.is_comment(line, cells)
        if not line.strip() or is_start or is_comment:
            if sentence.words:
                yield without_blanks(sentence, ledger)
            if is_start:
                n_documents += 1
                document = str(n_documents)
            elif is_comment:
                ledger.passed_over["comment lines"] += 1
                named = _DOCUMENT.fullmatch(line.strip())
                document = named[1] if named else document
            sentence = _new_sentence(document, layout)
            continue
        try:
            layout.check(line, cells, len(sentence.words))
        except InputError as err:
            ledger.tokens["refused"] += 1
            ledger.error(number, str(err))
            continue
        sentence.lines.append(number)
        sentence.words.append(cells[layout.token])
        sentence.tags.append(cells[layout.tag])
        if sentence.inner_tags is not None and layout.inner_tag is not None:
            sentence.inner_tags.append(cells[layout.inner_tag])
    if sentence.words:
        yield without_blanks(sentence, ledger)


def split(line: str, separator: Optional[str] = None) -> List[str]:
    """RETURNS (List[str]): The columns of a line: parted by a separator, or else by a tab where it has one, or else by
    blanks."""
    if separator is None and "\t" not in line:
        token, middle, tag = line.partition(_LABEL_STUDIO)
        return [token, *middle.split(), tag.strip(" ")] if middle else re.split(" +", line.strip(" "))
    return [column.strip(" ") for column in line.split(separator or "\t")]


def _find_layout(path: Path, columns: Columns) -> _Layout:
    """Tell by the first lines of a file where the token and its tag are, as far as columns do not say it."""
    tokens, n_comments, tabs = [], 0, 0
    is_first = True
    for _, line in islice(read_lines(path, Ledger(path)), SAMPLE):
        cells = split(line, columns.separator)
        if is_first and line.startswith("#"):
            n_comments += line.startswith("#\t")
        elif line.strip() and cells[0] != DOCSTART:
            tokens.append((is_first, cells))
            tabs += "\t" in line
            is_first = False
            continue
        is_first = True
    n_columns = len(tokens[0][1]) if tokens else 2
    has_tabs = columns.separator is None and tabs > len(tokens) / 2
    layout = _Layout(columns.separator, 0, -1, None, False, has_tabs, n_columns, 2)
    if columns.token is not None or columns.tag is not None:
        token, tag = columns.token or 1, columns.tag or -1
        needed = max(2, abs(token), abs(tag))
        return layout._replace(token=_index(token), tag=_index(tag), n_columns=None, n_needed=needed)
    if n_columns >= 3 and _is_counted(tokens):
        rows = [cells for _, cells in tokens if len(cells) == n_columns]
        tag = next((i for i in range(2, n_columns) if _has_tags([row[i] for row in rows])), n_columns - 1)
        has_inner = n_comments > 0 and tag == 2 and n_columns == 4 and _has_tags([row[3] for row in rows])
        return layout._replace(token=1, tag=tag, inner_tag=3 if has_inner else None, is_counted=True, n_needed=3)
    return layout


def _index(column: int) -> int:
    return column - 1 if column > 0 else column


def _is_counted(tokens: List[Tuple[bool, List[str]]]) -> bool:
    """RETURNS (bool): Whether the first column counts the tokens of each sentence, but for mistakes; tokens come with
    whether they are the first of theirs."""
    number = n_right = 0
    for is_first, cells in tokens:
        number = 1 if is_first else number + 1
        n_right += cells[0] == str(number)
    return n_right > len(tokens) / 2


def _has_tags(cells: List[str]) -> bool:
    """RETURNS (bool): Whether most cells of a column are tags."""
    return sum(split_tag(cell) is not None and cell != MISSING for cell in cells) > len(cells) / 2


def _new_sentence(document: Optional[str], layout: _Layout) -> Sentence:
    return Sentence([], [], [], document, inner_tags=None if layout.inner_tag is None else [])


def write(docs: Iterable[Doc], file: TextIO) -> None:
    """Write Docs as tab-separated tokens and BIO tags, - for missing annotation, with a -DOCSTART- line
    before each document where the Docs know theirs. White space between tokens is not kept.

    docs (Iterable[Doc]): The Docs.
    file (TextIO): The file to write to.
    RAISES (InputError): If a Doc holds something that has no place in columns.
    """
    document = None
    for number, doc in enumerate(docs, 1):
        refuse_partial(doc, f"Doc {number}")
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
