"""brat's standoff format: a folder with a text file and a file of annotations for each document."""

import re
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from ...util import InputError
from ..ledger import Ledger
from ..lines import excerpt, is_encodable, read_lines, read_text
from ..offsets import join_parts, locate
from ..options import Offsets, Options
from ..record import Mention, Record

TEXT, ANNOTATIONS = ".txt", ".ann"
# What the first letter of a line says that it holds, if it is no mention and no reference of one
PASSED_OVER = {
    "R": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "#": "notes",
    "*": "equivalences",
}
_SPAN = "[0-9]{1,18} [0-9]{1,18}"
_MENTION = re.compile(rf"(T\S*)\t(\S+) ({_SPAN}(?:;{_SPAN})*)\t(.*)")
_REFERENCE = re.compile(r"N\S*\tReference (\S+) ([^\t]*[^\t ])(?:\t.*)?")


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a folder is in this format: it has annotations with their text beside them."""
    return path.is_dir() and bool(_files(path, ANNOTATIONS).keys() & _files(path, TEXT).keys())


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a folder, in the order of its files' names. Offsets count the characters of a text file as it is,
    line ends included.

    path (Path): The folder.
    ledger (Ledger): Takes the labels, the lines that cannot be read, and the relations and notes that are passed over.
    options (Options): What offsets count.
    YIELDS (Record): A record for each document of which everything can be read.
    """
    texts, annotations = _files(path, TEXT), _files(path, ANNOTATIONS)
    for name in sorted(texts.keys() | annotations.keys()):
        txt, ann = texts.get(name), annotations.get(name)
        if txt is None:
            ledger.error(1, f"found no {name}{TEXT} beside it: add the text", ann)
        elif ann is None:
            ledger.error(1, f"found no {name}{ANNOTATIONS} beside it: add it, empty if there is no entity", txt)
        else:
            text = read_text(txt, ledger)
            mentions = None if text is None else _read_annotations(ann, text, options.offsets, ledger)
            if mentions is not None:
                yield Record(text=text, mentions=mentions, document=name)


def _files(path: Path, suffix: str) -> Dict[str, Path]:
    """RETURNS (Dict[str, Path]): The files of a folder that have a suffix, by their names without it.
    RAISES (InputError): If a name cannot be a document's id."""
    found: Dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.suffix.lower() == suffix and file.is_file():
            if found.setdefault(file.stem, file) != file:
                raise InputError(f"{file}: would have the id of {found[file.stem]}: rename one of them")
            if not is_encodable(file.stem):
                raise InputError(f"{file}: its name is not UTF-8, and it would be a document's id: rename it")
    return found


def _read_annotations(ann: Path, text: str, offsets: Optional[Offsets], ledger: Ledger) -> Optional[List[Mention]]:
    n_errors = ledger.n_errors
    mentions: Dict[str, Mention] = {}
    references: List[Tuple[int, str, str]] = []
    for number, line in read_lines(ann, ledger):
        if not line.strip():
            continue
        try:
            if line[0] == "T":
                name, mention = _read_mention(line, text, offsets, ledger)
                if name in mentions:
                    raise InputError(f"found the id {name} again, expected another")
                mentions[name] = mention
                ledger.note_labels([mention], number, ann)
            elif line[0] == "N":
                references.append((number, *_read_reference(line)))
            elif line[0] in PASSED_OVER:
                ledger.passed_over[PASSED_OVER[line[0]]] += 1
            else:
                raise InputError(f"found {excerpt(line)}, expected an annotation, such as T1, tab, label start end")
        except InputError as err:
            ledger.error(number, str(err), ann)
    if ledger.n_errors > n_errors:
        return None  # a reference to a mention that was refused is no error of its own
    for number, name, kb_id in references:
        if name in mentions:
            ids = [mentions[name].kb_id, kb_id]
            mentions[name] = mentions[name]._replace(kb_id="|".join(filter(None, ids)))
        elif name[0] == "T":
            ledger.error(number, f"found a reference of {name}, which the file does not have", ann)
        else:
            ledger.passed_over["references of events"] += 1
    return list(mentions.values()) if ledger.n_errors == n_errors else None


def _read_mention(line: str, text: str, offsets: Optional[Offsets], ledger: Ledger) -> Tuple[str, Mention]:
    match = _MENTION.fullmatch(line)
    if match is None:
        raise InputError(
            f"found {excerpt(line)}, expected T1, tab, label start end (;start end for each part), tab, text"
        )
    name, label, spans, mention_text = match.groups()
    parts = []
    for span in spans.split(";"):
        start, end = span.split(" ")
        parts.append((int(start), int(end)))
    parts = join_parts(text, locate(text, parts, offsets, ledger, mention_text))
    return name, Mention(parts[0][0], parts[-1][1], label, fragments=tuple(parts) if len(parts) > 1 else ())


def _read_reference(line: str) -> Tuple[str, str]:
    match = _REFERENCE.fullmatch(line)
    if match is None:
        raise InputError(f"found {excerpt(line)}, expected N1, tab, Reference T1 DB:ID, tab, text")
    return match[1], match[2]
