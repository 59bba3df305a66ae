"""CoNLL-U: ten columns for each word, whose last one, MISC, has its entity tag, such as "NER=B-PER"."""

import re
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from ...util import InputError
from ..ledger import Ledger
from ..lines import excerpt, read_lines
from ..options import Options
from ..tagged import Sentence
from ..tags import MISSING, split_tag

KEYS = ("ner", "ne", "name", "bio", "nertag", "ner_tag", "netag")  # of MISC, in any case
N_COLUMNS = 10
_WORD = re.compile("[1-9][0-9]*")
_NO_WORD = re.compile(r"[0-9]+[-.][0-9]+")  # a range of words that is one token, an empty node
_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(\S.*))?")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether the first line of a file that is no comment has CoNLL-U's columns."""
    for _, line in read_lines(path, Ledger(path)):
        if line.strip() and not line.startswith("#"):
            cells = line.split("\t")
            return len(cells) == N_COLUMNS and bool(_WORD.fullmatch(cells[0]) or _NO_WORD.fullmatch(cells[0]))
    return False


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Sentence]:
    """Read a file. A word whose MISC has no tag is outside.

    path (Path): The file.
    ledger (Ledger): Takes the lines that cannot be read, and what is passed over.
    options (Options): Its entity_key names the key of MISC that has the tag.
    YIELDS (Sentence): The sentences.
    """
    keys = KEYS if options.entity_key is None else (options.entity_key.lower(),)
    document: Optional[str] = None
    n_documents = n_tags = 0
    sentence = Sentence([], [], [])
    for number, line in read_lines(path, ledger):
        if not line.strip():
            if sentence.words:
                yield sentence
            sentence = Sentence([], [], [], document)
            continue
        if line.startswith("#"):
            ledger.passed_over["comment lines"] += 1
            named = _DOCUMENT.fullmatch(line.rstrip())
            if named:
                n_documents += 1
                document = named[1] or str(n_documents)
                sentence = sentence._replace(document=document)
            continue
        try:
            cells = line.split("\t")
            if len(cells) != N_COLUMNS:
                raise InputError(f"found {len(cells)} columns, expected {N_COLUMNS}, with tabs between")
            if _NO_WORD.fullmatch(cells[0]):
                ledger.passed_over["tokens of several words, empty nodes"] += 1
                continue
            if cells[0] != str(len(sentence.words) + 1):
                raise InputError(f"found the id {excerpt(cells[0])}, expected {len(sentence.words) + 1}")
            if not cells[1].strip() or "\r" in line:
                raise InputError(f"found the form {excerpt(cells[1])}, expected a word")
            tag = _find_tag(cells[-1], keys)
        except InputError as err:
            ledger.tokens["refused"] += 1
            ledger.error(number, str(err))
            continue
        n_tags += tag is not None
        sentence.lines.append(number)
        sentence.words.append(cells[1])
        sentence.tags.append("O" if tag is None else tag)
    if sentence.words:
        yield sentence
    if not n_tags and not ledger.n_errors:
        ledger.error(1, f"found none of {', '.join(keys)} in any MISC column: name the key with --entity-key")


def _find_tag(misc: str, keys: Sequence[str]) -> Optional[str]:
    """RETURNS (Optional[str]): The tag in a MISC column, such as "NER=B-PER|SpaceAfter=No"; None if it has none.
    RAISES (InputError): If it has several, or one under another key."""
    tags: List[str] = []
    for part in misc.split("|"):
        key, _, value = part.strip().partition("=")
        if key.lower() in keys:
            tags.append("O" if value in ("", "_") else value)
        elif keys is KEYS and value not in ("O", MISSING) and split_tag(value) is not None:
            raise InputError(f"found a tag under {key} in {excerpt(misc)}: use --entity-key {key} if it is meant")
    if len(tags) > 1:
        raise InputError(f"found {len(tags)} tags in {excerpt(misc)}, expected one: name their key with --entity-key")
    return tags[0] if tags else None
