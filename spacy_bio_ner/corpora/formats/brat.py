"""brat's standoff format: a folder with a text file and a file of annotations for each document."""

import re
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Tuple

from ...util import InputError
from ..ledger import Report
from ..lines import excerpt, read_lines
from ..record import Mention, Record

PASSED_OVER = "REAM#*"  # relations, events, attributes, modifications, notes, equivalences
_SPAN = "[0-9]{1,18} [0-9]{1,18}"
_MENTION = re.compile(rf"(T\S*)\t(\S+) ({_SPAN}(?:;{_SPAN})*)\t(.*)")
_REFERENCE = re.compile(r"N\S*\tReference (\S+) ([^\t]*[^\t ])(?:\t.*)?")
_LINE_BREAKS_TO_SPACES = str.maketrans("\r\n", "  ")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a folder is in this format: it has annotations with their text beside them."""
    return path.is_dir() and bool(_names(path, ".ann") & _names(path, ".txt"))


def read(path: Path, report: Report) -> Iterator[Record]:
    """Read a folder, in the order of its files' names. Offsets count the characters of a text file as it is,
    line ends included.

    path (Path): The folder.
    report (Report): Takes the labels, and the lines that cannot be read.
    YIELDS (Record): A record for each document of which everything can be read.
    """
    with_text, with_annotations = _names(path, ".txt"), _names(path, ".ann")
    for name in sorted(with_text | with_annotations):
        txt, ann = path / f"{name}.txt", path / f"{name}.ann"
        if name not in with_annotations:
            report.error(1, f"found no {ann.name} beside it: add it, empty if there is no entity", txt)
        elif name not in with_text:
            report.error(1, f"found no {txt.name} beside it: add the text", ann)
        else:
            text = _read_text(txt, report)
            mentions = None if text is None else _read_annotations(ann, text, report)
            if mentions is not None:
                yield Record(text=text, mentions=mentions, document=name)


def _names(path: Path, suffix: str) -> Set[str]:
    return {file.stem for file in path.iterdir() if file.suffix == suffix and file.is_file()}


def _read_text(txt: Path, report: Report) -> Optional[str]:
    """Read a text as a whole: its line ends count among its characters."""
    raw = txt.read_bytes()
    try:
        return raw.decode("utf8").removeprefix("\ufeff")
    except UnicodeDecodeError as err:
        number, position = raw.count(b"\n", 0, err.start) + 1, err.start - raw.rfind(b"\n", 0, err.start)
        byte = f"byte {raw[err.start]:#04x} at position {position}"
        report.error(number, f"{byte} is not UTF-8: save the file as UTF-8", txt)
        return None


def _read_annotations(ann: Path, text: str, report: Report) -> Optional[List[Mention]]:
    n_errors = report.n_errors
    mentions: Dict[str, Mention] = {}
    references: List[Tuple[int, str, str]] = []
    for number, line in read_lines(ann, report):
        if not line.strip():
            continue
        try:
            if line[0] == "T":
                name, mention = _read_mention(line, text)
                if name in mentions:
                    raise InputError(f"found the id {name} again, expected another")
                mentions[name] = mention
                report.labels.setdefault(mention.label, report.where(number, ann))
            elif line[0] == "N":
                references.append((number, *_read_reference(line)))
            elif line[0] not in PASSED_OVER:
                raise InputError(f"found {excerpt(line)}, expected an annotation, such as T1, tab, label start end")
        except InputError as err:
            report.error(number, str(err), ann)
    if report.n_errors > n_errors:
        return None  # a reference to a mention that was refused is no error of its own
    for number, name, kb_id in references:
        if name in mentions:
            ids = [mentions[name].kb_id, kb_id]
            mentions[name] = mentions[name]._replace(kb_id="|".join(filter(None, ids)))
        elif name[0] == "T":
            report.error(number, f"found a reference of {name}, which the file does not have", ann)
    return list(mentions.values()) if report.n_errors == n_errors else None


def _read_mention(line: str, text: str) -> Tuple[str, Mention]:
    match = _MENTION.fullmatch(line)
    if match is None:
        raise InputError(
            f"found {excerpt(line)}, expected T1, tab, label start end (;start end for each part), tab, text"
        )
    name, label, spans, mention_text = match.groups()
    fragments = [tuple(map(int, span.split(" "))) for span in spans.split(";")]
    before = 0
    for start, end in fragments:
        if not before <= start < end <= len(text):
            raise InputError(
                f"found {excerpt(spans)}, expected each start before its end, parts in the order of the text, all "
                f"inside the text of {len(text)} characters"
            )
        before = end
    expected = " ".join(text[start:end] for start, end in fragments)
    if mention_text.translate(_LINE_BREAKS_TO_SPACES) != expected.translate(_LINE_BREAKS_TO_SPACES):
        raise InputError(
            f"found the mention {excerpt(mention_text)}, but the text has {excerpt(expected)} at {spans}: "
            "offsets count characters, line ends included"
        )
    apart = tuple(fragments) if len(fragments) > 1 else ()
    return name, Mention(fragments[0][0], fragments[-1][1], label, fragments=apart)


def _read_reference(line: str) -> Tuple[str, str]:
    match = _REFERENCE.fullmatch(line)
    if match is None:
        raise InputError(f"found {excerpt(line)}, expected N1, tab, Reference T1 DB:ID, tab, text")
    return match[1], match[2]
