"""PubTator files: a title line, an abstract line and a line for each mention; a blank line ends a document."""

import re
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, TextIO, Tuple

from spacy.tokens import Doc

from ...util import InputError
from ..ledger import Ledger
from ..lines import excerpt, first_line, read_lines
from ..offsets import locate
from ..options import Options
from ..record import Mention, Record
from ..source_mentions import document_id, refuse_partial, whole_mentions

NO_CONCEPT = "-1"
_TEXT_LINE = re.compile(r"([^|\t]+)\|([ta])\|(.*)")
_INTEGER = re.compile("[0-9]{1,18}")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is in this format: it starts with a title line."""
    return _is_text_line(first_line(path), "t")


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file. The text of a document is its title and its abstract, with a space for the line break.

    path (Path): The file.
    ledger (Ledger): Takes the labels, the lines that cannot be read, and the relations that are passed over.
    options (Options): What offsets count.
    YIELDS (Record): A record for each document of which everything can be read.
    """
    seen: Dict[str, int] = {}
    for lines in _documents(read_lines(path, ledger)):
        record = _read_document(lines, seen, options, ledger)
        if record is not None:
            yield record


def write(docs: Iterable[Doc], file: TextIO) -> None:
    """Write Docs with the mentions of their source. The first sentence becomes the title if one space parts it
    from the next; otherwise the whole text does.

    docs (Iterable[Doc]): The Docs.
    file (TextIO): The file to write to.
    RAISES (InputError): If a Doc holds something that the format has no place for.
    """
    seen = set()
    for number, doc in enumerate(docs, 1):
        document = document_id(doc)
        document = str(number) if document is None else document
        where = f"document {document!r}"
        refuse_partial(doc, where)
        if not re.fullmatch("[^|\t\r\n\ufeff]+", document):
            raise InputError(f"{where}: PubTator ids cannot be empty or hold '|', tabs or line breaks: rename it")
        if document in seen:
            raise InputError(f"{where}: found a second Doc of it, expected one: convert with --n-sents 0")
        if re.search("[\r\n]", doc.text):
            raise InputError(f"{where}: PubTator has no place for the line breaks of its text: write it as JSONL")
        seen.add(document)
        space = _title_end(doc)
        lines = [f"{document}|t|{doc.text[:space]}"]
        if space is not None:
            lines.append(f"{document}|a|{doc.text[space + 1 :]}")
        for start, end, label, kb_id, _ in whole_mentions(doc, where):
            cells = [doc.text[start:end], label, kb_id or NO_CONCEPT]
            if not label.strip() or any(re.search("[\t\r\n]", cell) for cell in cells):
                raise InputError(
                    f"{where}: PubTator has no place for an empty label, tabs or line breaks in the mention "
                    f"{excerpt(cells[0])} ({label!r}, {kb_id!r}): write it as JSONL"
                )
            lines.append("\t".join([document, str(start), str(end), *cells]))
        file.write("\n".join(lines) + "\n\n")


def _title_end(doc: Doc) -> Optional[int]:
    """RETURNS (Optional[int]): Where the space between the first two sentences is, if it is one space."""
    starts = [sent.start_char for sent in doc.sents] if doc.has_annotation("SENT_START") else []
    if len(starts) > 1:
        title = doc.text[: starts[1]]
        if title == title.rstrip() + " ":
            return starts[1] - 1
    return None


def _is_text_line(line: str, kind: str) -> bool:
    match = _TEXT_LINE.match(line)
    return match is not None and match[2] == kind


def _documents(lines: Iterable[Tuple[int, str]]) -> Iterator[List[Tuple[int, str]]]:
    """Part numbered lines at blank lines and before titles."""
    document: List[Tuple[int, str]] = []
    for number, line in lines:
        is_blank = not line.strip()
        if document and (is_blank or _is_text_line(line, "t")):
            yield document
            document = []
        if not is_blank:
            document.append((number, line))
    if document:
        yield document


def _read_document(
    lines: List[Tuple[int, str]], seen: Dict[str, int], options: Options, ledger: Ledger
) -> Optional[Record]:
    if lines[-1][0] - lines[0][0] >= len(lines):
        return None  # a line that is not UTF-8 was left out: without it nothing certain can be said of the others
    (number, line), *others = lines
    title = _TEXT_LINE.fullmatch(line)
    if title is None or title[2] != "t":
        ledger.error(number, f"found {excerpt(line)}, expected a document to start with its title: id|t|title")
        return None
    document, _, text = title.groups()
    sent_starts = [0]
    if document in seen:
        ledger.error(number, f"found the document id {document!r} of line {seen[document]} again, expected another")
        return None
    seen[document] = number
    match = _TEXT_LINE.fullmatch(others[0][1]) if others else None
    if match is not None and match[2] == "a":
        (number, _), *others = others
        abstract_of, _, abstract = match.groups()
        if abstract_of != document:
            ledger.error(number, f"found the abstract of {abstract_of!r}, expected that of {document!r}")
            return None
        if abstract:
            sent_starts.append(len(text) + 1)
        text = f"{text} {abstract}"
    mentions, is_whole = [], True
    for number, line in others:
        try:
            mention = _read_mention(line, document, text, options, ledger)
        except InputError as err:
            ledger.error(number, str(err))
            is_whole = False
        else:
            if mention is not None:
                mentions.append(mention)
                ledger.note_labels([mention], number)
    return Record(text=text, mentions=mentions, sent_starts=sent_starts, document=document) if is_whole else None


def _read_mention(line: str, document: str, text: str, options: Options, ledger: Ledger) -> Optional[Mention]:
    """RETURNS (Optional[Mention]): The mention on a line; None if it holds a relation."""
    if _is_text_line(line, "a"):
        raise InputError(f"found {excerpt(line)}, expected one abstract, on the line after the title")
    cells = line.split("\t")
    if len(cells) == 1:
        raise InputError(f"found {excerpt(line)}, expected a mention: id, start, end, text, type, concept, with tabs")
    if cells[0] != document:
        raise InputError(f"found the document id {excerpt(cells[0])}, expected {document!r}")
    if cells[1][:1].isalpha():
        ledger.passed_over["relations"] += 1
        return None
    if len(cells) < 6:
        raise InputError(f"found {len(cells)} columns, expected 6: id, start, end, text, type, concept (-1 for none)")
    _, start, end, mention_text, label, kb_id, *_ = cells
    if not _INTEGER.fullmatch(start) or not _INTEGER.fullmatch(end):
        raise InputError(f"found {excerpt(start)} and {excerpt(end)} as start and end, expected whole numbers")
    [place] = locate(text, [(int(start), int(end))], options.offsets, ledger, mention_text)
    if not label.strip():
        raise InputError(f"found the type {label!r}, expected a name")
    return Mention(*place, label, "" if kb_id == NO_CONCEPT else kb_id)
