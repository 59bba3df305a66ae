"""Utterances with slots, as corpora for chat bots are spread: a folder with `seq.in` (the words of an utterance on
each line), `seq.out` (their tags) and, if there are intents, `label`.
"""

from itertools import zip_longest
from pathlib import Path
from typing import Iterator, List

from ...util import InputError
from ..ledger import Ledger
from ..lines import read_lines
from ..options import Options
from ..tagged import Sentence

WORDS, TAGS, INTENTS = "seq.in", "seq.out", "label"


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a path is such a folder."""
    return (path / WORDS).is_file() and (path / TAGS).is_file()


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a folder.

    path (Path): The folder.
    ledger (Ledger): Takes the lines that cannot be read.
    options (Options): Not used: the format is one alone.
    YIELDS (Sentence): The utterances. Their categories are all intents of the folder, 1.0 for their own.
    RAISES (InputError): If a file is not there.
    """
    for name in (WORDS, TAGS):
        if not (path / name).is_file():
            raise InputError(f"{path / name}: no such file, which utterances with slots have")
    intents: List[str] = []
    if (path / INTENTS).is_file():
        intents = [line.strip() for _, line in read_lines(path / INTENTS, ledger)]
    names = sorted(set(intents))
    lines = zip_longest(read_lines(path / WORDS, ledger), read_lines(path / TAGS, ledger))
    n_lines = 0
    for number, (words_line, tags_line) in enumerate(lines, 1):
        if words_line is None or tags_line is None:
            shorter, longer = (WORDS, TAGS) if words_line is None else (TAGS, WORDS)
            ledger.error(number, f"found no such line, but {longer} has one: expected as many lines", path / shorter)
            return
        n_lines = number
        words, tags = words_line[1].split(), tags_line[1].split()
        if len(words) != len(tags):
            ledger.tokens["refused"] += len(words)
            ledger.error(number, f"found {len(tags)} tags for {len(words)} words, expected as many", path / TAGS)
        elif not words:
            ledger.error(number, "found no word, expected an utterance", path / WORDS)
        else:
            cats = {name: float(name == intents[number - 1]) for name in names} if number <= len(intents) else {}
            yield Sentence([number] * len(words), words, tags, cats=cats)
    if intents and len(intents) != n_lines:
        ledger.error(len(intents), f"found {len(intents)} lines, expected {n_lines} as in {WORDS}", path / INTENTS)
