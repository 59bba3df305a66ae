"""CSV tables with a row for each word, as the Groningen Meaning Bank is spread: the columns Word and Tag, and a
column "Sentence #" that is filled in only where a sentence starts.
"""

import csv
from pathlib import Path
from typing import Dict, Iterator

from ..ledger import Report
from ..tagged import Sentence

SENTENCE, WORD, TAG = "sentence #", "word", "tag"


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is such a table, by its first line."""
    with path.open("rb") as file:
        header = file.readline(1000).decode("utf-8-sig", "replace").lower()
    return "," in header and {SENTENCE, WORD, TAG} <= {name.strip(' "\r\n') for name in header.split(",")}


def read(path: Path, report: Report) -> Iterator[Sentence]:
    """Read a table.

    path (Path): The file, UTF-8, or else Latin-1, in which any byte is a character.
    report (Report): Takes the rows that cannot be read.
    YIELDS (Sentence): The sentences.
    """
    with path.open(encoding=_encoding(path), newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            columns: Dict[str, int] = {name.strip().lower(): i for i, name in enumerate(next(rows, []))}
            if not {SENTENCE, WORD, TAG} <= columns.keys():
                report.error(1, f"found the columns {list(columns)}, expected {SENTENCE!r}, {WORD!r} and {TAG!r}")
                return
            sentence = Sentence([], [], [])
            for row in rows:
                if len(row) <= max(columns[SENTENCE], columns[WORD], columns[TAG]):
                    report.tokens["refused"] += 1
                    report.error(rows.line_num, f"found {len(row)} column(s), expected {len(columns)}")
                    continue
                if row[columns[SENTENCE]].strip() and sentence.words:
                    yield sentence
                    sentence = Sentence([], [], [])
                word, tag = row[columns[WORD]].strip(), row[columns[TAG]].strip()
                if not word:
                    report.tokens["refused"] += 1
                    report.error(rows.line_num, f"the tag {tag!r} stands on an empty word, expected a word")
                    continue
                sentence.lines.append(rows.line_num)
                sentence.words.append(word)
                sentence.tags.append(tag)
            if sentence.words:
                yield sentence
        except csv.Error as err:
            report.error(rows.line_num, f"not CSV as expected: {err}")


def _encoding(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            while file.read(2**20):
                pass
        return "utf-8-sig"
    except UnicodeDecodeError:
        return "latin-1"
