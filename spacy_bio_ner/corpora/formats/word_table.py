"""Tables with a row for each word, as the Groningen Meaning Bank is spread: the columns Word and Tag, and one for the
sentence, such as "Sentence #", that is filled in where a sentence starts, or has its number on every row.
"""

from pathlib import Path
from typing import Iterator

from ..ledger import Ledger
from ..lines import excerpt
from ..options import Options
from ..tables import find_column, read_header, read_rows
from ..tagged import Sentence

SENTENCES = ("sentence #", "sentence_idx", "sentence_id", "sentence id", "sentence_number", "sentence no", "sent_id")
WORDS = ("word", "token", "words", "tokens")
TAGS = ("tag", "ner_tag", "ner", "label", "tags", "ner_tags", "labels")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file is such a table, by its first line."""
    header = read_header(path)
    return all(find_column(header, names) >= 0 for names in (SENTENCES, WORDS, TAGS))


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a table. A sentence starts where its column has another value than on the row before, and is not empty.

    path (Path): The file.
    ledger (Ledger): Takes the rows that cannot be read.
    options (Options): Its entity_key names the column of the tags.
    YIELDS (Sentence): The sentences.
    """
    rows = read_rows(path, ledger)
    _, header = next(rows, (1, []))
    tags = TAGS if options.entity_key is None else (options.entity_key.lower(),)
    columns = [find_column(header, names) for names in (SENTENCES, WORDS, tags)]
    if -1 in columns:
        wanted = [names[0] for names in (SENTENCES, WORDS, tags)]
        ledger.error(1, f"found the columns {excerpt(header)}, expected {wanted[0]!r}, {wanted[1]!r} and {wanted[2]!r}")
        return
    sentence, current = Sentence([], [], []), ""
    for line, row in rows:
        if not any(row):
            continue
        number, word, tag = (row[column].strip() for column in columns)
        if number and number != current and sentence.words:
            yield sentence
            sentence = Sentence([], [], [])
        current = number or current
        if not word or len(word.splitlines()) > 1:
            ledger.tokens["refused"] += 1
            found = "an empty word" if not word else "a word with a line break"
            ledger.error(line, f"the tag {tag!r} stands on {found}, expected a word")
            continue
        sentence.lines.append(line)
        sentence.words.append(word)
        sentence.tags.append(tag)
    if sentence.words:
        yield sentence
