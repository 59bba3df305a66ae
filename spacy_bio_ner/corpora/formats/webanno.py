"""WebAnno's TSV 3, which INCEpTION writes too: a document in each file, a token on each line, with columns for the
layers that were annotated. Offsets count UTF-16 units.
"""

import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ...util import InputError
from ..ledger import Ledger
from ..lines import excerpt, files_of, first_line, is_encodable, read_lines
from ..offsets import length, locate
from ..options import Offsets, Options
from ..record import Mention, Record

FORMAT = "#FORMAT=WebAnno TSV 3"
SPANS, CHAINS, RELATIONS, TEXT = "#T_SP=", "#T_CH=", "#T_RL=", "#Text="
ENTITIES = "NamedEntity"
LABEL, IDENTIFIER = "value", "identifier"
# Layers of spans that are no entities
OTHER_LAYERS = ("POS", "Lemma", "Token", "Stem", "MorphologicalFeatures", "Sentence", "Chunk", "SurfaceForm", "Anomaly")
_TOKEN = re.compile(r"([0-9]+-[0-9]+(?:\.[0-9]+)?)\t([0-9]{1,18})-([0-9]{1,18})\t([^\t]*)\t?(.*)")
_ITEM = re.compile(r"(.*?)(?:\[([0-9]+)\])?", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r"}


class _Layer(NamedTuple):
    """A layer: its name, and the column of each of its features, from 0 behind the token."""

    kind: str
    name: str
    features: Dict[str, int]


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file, or every file of a folder, is in this format, by its first line."""
    files = files_of(path)
    return bool(files) and all(first_line(file).startswith(FORMAT) for file in files)


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file, or the files of a folder.

    path (Path): The file or folder.
    ledger (Ledger): Takes the labels, what cannot be read, and the layers that are passed over.
    options (Options): Its entity_key names the layer of the entities, if there are several; what offsets count.
    YIELDS (Record): A record for each file of which everything can be read.
    """
    for file in files_of(path):
        n_errors = ledger.n_errors
        document = _Document(file, ledger, options)
        for number, line in read_lines(file, ledger):
            try:
                document.add(number, line)
            except InputError as err:
                ledger.error(number, str(err), file)
        if ledger.n_errors == n_errors:
            yield document.record


class _Document:
    """A document as its lines come.

    record (Record): What has come of them.
    """

    def __init__(self, file: Path, ledger: Ledger, options: Options) -> None:
        if not is_encodable(file.stem):
            raise InputError(f"{file}: its name is not UTF-8, and it would be a document's id: rename it")
        self.record = Record(text="", document=file.stem)
        self.file, self.ledger, self.options = file, ledger, options
        self.layers: List[_Layer] = []
        self.entities: Optional[_Layer] = None
        self.n_columns = 0
        self.sentence: List[str] = []  # the lines of a sentence's text
        self.is_open = False  # whether they are those of the tokens to come
        self.base = 0  # where the sentence starts in the record
        self.origin = 0  # and where in the file's own count
        self.open_mentions: Dict[str, int] = {}  # those that may go on, by their ids

    def add(self, number: int, line: str) -> None:
        """RAISES (InputError): If a line cannot be read."""
        if line.startswith((SPANS, CHAINS, RELATIONS)):
            self._add_layer(line)
        elif line.startswith(TEXT):
            if not self.is_open:
                self.sentence, self.is_open = [], True
            self.sentence.append(line[len(TEXT) :])
        elif line.startswith("#") and not line.startswith(FORMAT):
            self.ledger.passed_over["comment lines"] += 1
        elif line.strip() and not line.startswith("#"):
            self._add_token(number, line)

    def _add_layer(self, line: str) -> None:
        kind, (name, *features) = line[: len(SPANS)], line[len(SPANS) :].split("|")
        columns = {feature: self.n_columns + i for i, feature in enumerate(features or [""])}
        self.n_columns += len(columns)
        self.layers.append(_Layer(kind, name, columns))

    def _add_token(self, number: int, line: str) -> None:
        match = _TOKEN.fullmatch(line)
        if match is None:
            raise InputError(f"found {excerpt(line)}, expected sentence-token, tab, start-end, tab, token, and columns")
        start, end, token = int(match[2]), int(match[3]), _unescape(match[4])
        cells = match[5].split("\t") if match[5] else []
        if cells and not cells[-1]:
            cells.pop()
        if len(cells) != self.n_columns:
            raise InputError(f"found {len(cells)} columns behind the token, but the header has {self.n_columns}")
        if self.entities is None:
            self.entities = self._find_entities()
        if self.is_open:
            self._start_sentence(start)
        text = "\n".join(map(_unescape, self.sentence))
        offsets = self.options.offsets or Offsets.utf16
        [place] = locate(text, [(start - self.origin, end - self.origin)], offsets, self.ledger, token)
        self._add_annotations(number, cells, (place[0] + self.base, place[1] + self.base))

    def _start_sentence(self, start: int) -> None:
        """Put a sentence's text at the end of the record's; its first token starts it, but for white space."""
        text = "\n".join(map(_unescape, self.sentence))
        separator = "\n" if self.record.text else ""
        self.base = len(self.record.text or "") + len(separator)
        self.record.text = f"{self.record.text}{separator}{text}"
        blanks = text[: len(text) - len(text.lstrip())]
        self.origin = start - length(blanks, self.options.offsets or Offsets.utf16)
        self.record.sent_starts.append(self.base + len(blanks))
        self.is_open = False

    def _find_entities(self) -> _Layer:
        """RAISES (InputError): If it cannot be told which layer has the entities."""
        key = self.options.entity_key
        spans = [layer for layer in self.layers if layer.kind == SPANS]
        if key is not None:
            found = [layer for layer in spans if key in (layer.name, _last_part(layer.name))]
        else:
            found = [layer for layer in spans if _last_part(layer.name) == ENTITIES]
            found = found or [layer for layer in spans if _last_part(layer.name) not in OTHER_LAYERS]
        if len(found) != 1:
            self.entities = _Layer(SPANS, "", {})  # none, so that this is told once
            names = ", ".join(layer.name for layer in spans) or "none"
            raise InputError(f"found the layers {names}, expected one of entities: name it with --entity-key")
        return found[0]

    def _add_annotations(self, number: int, cells: List[str], place: Tuple[int, int]) -> None:
        """Add what columns say of a token."""
        for layer in self.layers:
            if layer is not self.entities and cells[min(layer.features.values())] != "_":
                self.ledger.passed_over[f"annotations of the layer {_last_part(layer.name)}"] += 1
        entities = self.entities
        if entities is None or not entities.features:
            return
        names = [name for name in entities.features if name != IDENTIFIER and not name.startswith("ROLE_")]
        label_feature = LABEL if LABEL in names else next(iter(names), None)
        if label_feature is None:
            raise InputError(f"found no feature of the layer {entities.name} that could have the label")
        labels = _split_items(cells[entities.features[label_feature]])
        ids = _split_items(cells[entities.features[IDENTIFIER]]) if IDENTIFIER in entities.features else []
        for i, (label, chain) in enumerate(labels):
            kb_id = ids[i][0] if i < len(ids) and ids[i][0] != "*" else ""
            if label in ("*", "") or not label.strip():
                raise InputError(f"found an annotation of {entities.name} without {label_feature}, expected a label")
            self._add_mention(number, Mention(*place, label, kb_id), chain)

    def _add_mention(self, number: int, mention: Mention, chain: Optional[str]) -> None:
        mentions = self.record.mentions
        if chain is not None and chain in self.open_mentions:
            at = self.open_mentions[chain]
            if mentions[at].label != mention.label:
                raise InputError(f"found {mention.label} for the annotation [{chain}], but {mentions[at].label} before")
            mentions[at] = mentions[at]._replace(end=max(mentions[at].end, mention.end))
            return
        if chain is not None:
            self.open_mentions[chain] = len(mentions)
        mentions.append(mention)
        self.ledger.note_labels([mention], number, self.file)


def _last_part(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _split_items(cell: str) -> List[Tuple[str, Optional[str]]]:
    """RETURNS (List[Tuple[str, Optional[str]]]): The values of a cell, each with the id that joins it to those on other
    tokens, if it has one."""
    if cell == "_":
        return []
    items = []
    for item in re.findall(r"((?:[^\\|]|\\.)+)", cell):
        match = _ITEM.fullmatch(item)
        value, chain = (match[1], match[2]) if match else (item, None)
        items.append((_unescape(value), chain))
    return items


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), text)
