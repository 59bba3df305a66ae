"""BIO column files: a token and its tag on each line, an empty line after each sentence."""

import re
from typing import Iterable, Iterator, List, NamedTuple, Optional

from .record import Record
from .report import Report
from .tags import Scheme, read_tags

DOCSTART = "-DOCSTART-"
SUFFIXES = (".bilou", ".biluo", ".bio", ".conll", ".iob", ".iob1", ".iob2", ".iobes", ".tsv")


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


class Sentence(NamedTuple):
    """The lines of a sentence.

    document (Optional[str]): The number of its document, if -DOCSTART- lines part documents.
    lines (List[int]): The number of each token's line in its file, from 1.
    words (List[str]): The tokens.
    tags (List[str]): Their tags.
    """

    document: Optional[str]
    lines: List[int]
    words: List[str]
    tags: List[str]


def read_sentences(lines: Iterable[bytes], columns: Columns, report: Report) -> Iterator[Sentence]:
    """Read the lines of a file.

    lines (Iterable[bytes]): The lines, UTF-8 with or without a byte order mark.
    columns (Columns): Where the token and the tag are.
    report (Report): Takes the lines that cannot be read.
    YIELDS (Sentence): The sentences.
    """
    document = 0
    sentence = Sentence(None, [], [], [])
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf8").rstrip("\r\n")
        except UnicodeDecodeError as err:
            report.tokens["refused"] += 1
            report.error(
                number, f"byte {raw[err.start]:#04x} at position {err.start + 1} is not UTF-8: save the file as UTF-8"
            )
            continue
        if number == 1:
            line = line.removeprefix("\ufeff")
        cells = columns.split(line)
        if not line.strip() or cells[0] == DOCSTART:
            if sentence.words:
                yield sentence
            document += cells[0] == DOCSTART
            sentence = Sentence(str(document) if document else None, [], [], [])
        elif len(cells) < columns.n_needed:
            report.tokens["refused"] += 1
            report.error(number, f"found {len(cells)} column(s) in {line!r}, expected at least {columns.n_needed}")
        elif not columns.pick(cells, columns.token):
            report.tokens["refused"] += 1
            report.error(
                number, f"the tag {columns.pick(cells, columns.tag)!r} stands on an empty token, expected a token"
            )
        else:
            report.tokens["kept"] += 1
            sentence.lines.append(number)
            sentence.words.append(columns.pick(cells, columns.token))
            sentence.tags.append(columns.pick(cells, columns.tag))
    if sentence.words:
        yield sentence


def read_records(sentences: Iterable[Sentence], scheme: Scheme, repair: bool, report: Report) -> Iterator[Record]:
    """Read the entities of sentences.

    sentences (Iterable[Sentence]): The sentences of a file.
    scheme (Scheme): The scheme of their tags.
    repair (bool): Whether to mend tags that have one sensible reading.
    report (Report): Takes the account of what was read.
    YIELDS (Record): A record for each sentence.
    """
    for sentence in sentences:
        mentions, missing, problems = read_tags(sentence.tags, scheme)
        repaired, refused = set(), set()
        for problem in problems:
            if repair and problem.repairable:
                repaired.add(problem.mention)
            else:
                refused.add(problem.mention)
                hint = ", or use --repair" if problem.repairable else ""
                report.error(sentence.lines[problem.token], problem.message + hint)
        refused.discard(None)  # a tag that is none, on a token of no mention
        report.entities["repaired"] += len(repaired - refused)
        report.entities["refused"] += len(refused)
        report.entities["kept"] += len(mentions) - len(repaired | refused)
        report.missing += len(missing)
        report.sentences += 1
        for mention in mentions:
            report.labels.setdefault(mention.label, report.where(sentence.lines[mention.start]))
        yield Record(sentence.words, mentions, missing, [0], sentence.document)
