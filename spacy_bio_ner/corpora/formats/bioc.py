"""BioC, in XML or JSON: documents of passages, with annotations that have offsets, types and identifiers."""

import xml.sax
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple
from xml.sax.handler import ContentHandler

from pydantic import BaseModel, TypeAdapter

from ...util import InputError
from ..entries import first_entry, read_entries
from ..json_values import Known, Name, Text, to_id, validate
from ..ledger import Ledger
from ..lines import excerpt, files_of
from ..offsets import Place, join_parts, length, locate
from ..options import Options
from ..record import Mention, Record

BLOCK = 1 << 18  # bytes of XML to read at a time
LABEL = "type"  # the infon that has the label
IDENTIFIERS = ("identifier", "MESH")  # those that may have the id in a knowledge base
MAX_GAP = 100  # white space between two sentences of a passage
COLLECTIONS = ("documents", "PubTator3")


class _Location(BaseModel):
    offset: int
    length: int


class _Annotation(Known):
    infons: Dict[str, Any] = {}
    text: Optional[Text] = None
    locations: List[_Location]


class _Sentence(Known):
    offset: int
    text: Text = ""
    annotations: List[_Annotation] = []
    relations: List[Any] = []


class _Passage(_Sentence):
    sentences: List[_Sentence] = []


class _Document(Known):
    id: Any = None
    passages: List[_Passage]
    annotations: List[_Annotation] = []
    relations: List[Any] = []


_DOCUMENT, _NAME, _LIST = TypeAdapter(_Document), TypeAdapter(Name), TypeAdapter(List[Any])


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file, or every file of a folder, is in this format: its first element or entry is a
    collection or a document."""
    files = files_of(path)
    return bool(files) and all(map(_is_bioc, files))


def _is_bioc(file: Path) -> bool:
    if _is_xml(file):
        return True
    entry = first_entry(file)
    return isinstance(entry, dict) and ("passages" in entry or any(isinstance(entry.get(c), list) for c in COLLECTIONS))


def _is_xml(file: Path) -> bool:
    with file.open("rb") as opened:
        start = opened.read(4096)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and b"<collection" in start


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file, or the files of a folder. The text of a document is that of its passages, a line each.

    path (Path): The file or folder.
    ledger (Ledger): Takes the labels, what cannot be read, and the relations that are passed over.
    options (Options): Its entity_key names the infon that has the label, if it is not the type; what offsets count.
    YIELDS (Record): The documents.
    """
    seen: Dict[str, str] = {}
    for file in files_of(path):
        read_document = partial(_read_document, options, ledger)
        documents = _parse_xml(file, ledger) if _is_xml(file) else read_entries(file, ledger, _documents_of)
        for line, found in documents:
            for document in found:
                try:
                    record = read_document(document)
                    if record.document in seen:
                        raise InputError(f"found the document {record.document!r} of {seen[record.document]} again")
                except (InputError, RecursionError) as err:
                    ledger.error(line, str(err), file)
                    continue
                if record.document is not None:
                    seen[record.document] = ledger.where(line, file)
                ledger.note_labels(record.mentions, line, file)
                yield record


def _documents_of(entry: Any) -> List[Any]:
    """RETURNS (List[Any]): The documents of an entry, which is one or a collection of them."""
    if not isinstance(entry, dict):
        raise InputError(f"found {excerpt(entry)}, expected a document or a collection of them")
    key = next((key for key in COLLECTIONS if key in entry), None)
    return [entry] if key is None else validate(_LIST, entry[key], key)


def _read_document(options: Options, ledger: Ledger, value: Any) -> Record:
    document = validate(_DOCUMENT, value)
    record = Record(text="", document=to_id(document.id))
    n_relations = len(document.relations)
    passages: List[Tuple[int, int, str]] = []  # where each starts in the source and in the record, and its text
    annotations = list(document.annotations)
    for passage in document.passages:
        text = passage.text or _join_sentences(passage, options)
        if record.text:
            record.text += "\n"
        passages.append((passage.offset, len(record.text or ""), text))
        if text:
            record.sent_starts.append(len(record.text or ""))
        record.text = (record.text or "") + text
        for part in (passage, *passage.sentences):
            annotations += part.annotations
            n_relations += len(part.relations)
    record.mentions = [_read_annotation(annotation, passages, options, ledger) for annotation in annotations]
    ledger.passed_over["relations"] += n_relations
    return record


def _join_sentences(passage: _Passage, options: Options) -> str:
    """RETURNS (str): The text of a passage that has it in its sentences."""
    text = ""
    for sentence in passage.sentences:
        gap = sentence.offset - passage.offset - length(text, options.offsets)
        if not 0 <= gap <= MAX_GAP:
            raise InputError(f"found a sentence at {sentence.offset}, expected it at the end of the one before it")
        text += " " * gap + sentence.text
    return text


def _read_annotation(
    annotation: _Annotation, passages: List[Tuple[int, int, str]], options: Options, ledger: Ledger
) -> Mention:
    key = options.entity_key or LABEL
    if key not in annotation.infons:
        raise InputError(
            f"found the infons {excerpt(list(annotation.infons))}, expected {key!r}: name the one that has the label "
            "with --entity-key"
        )
    label = validate(_NAME, annotation.infons[key], key)
    if not annotation.locations:
        raise InputError(f"found no location of {excerpt(annotation.text)}, expected one")
    start = min(location.offset for location in annotation.locations)
    before = [passage for passage in passages if passage[0] <= start]
    if not before:
        raise InputError(f"found an annotation at {start}, but the first passage starts behind it")
    offset, base, text = max(before, key=lambda passage: passage[0])
    parts = [(place.offset - offset, place.offset - offset + place.length) for place in annotation.locations]
    places = join_parts(text, _locate(text, parts, annotation.text, options, ledger))
    places = [(start + base, end + base) for start, end in places]
    kb_id = next((to_id(annotation.infons[name]) for name in IDENTIFIERS if name in annotation.infons), None)
    fragments = tuple(places) if len(places) > 1 else ()
    return Mention(places[0][0], places[-1][1], label, "" if kb_id in (None, "-") else kb_id, fragments)


def _locate(text: str, parts: List[Place], said: Optional[str], options: Options, ledger: Ledger) -> List[Place]:
    """Find an annotation. The text of one in several parts may be that of the parts, or all from the first to the last;
    BioC does not lay it down."""
    if said is None or len(parts) == 1:
        return locate(text, parts, options.offsets, ledger, said)
    places = locate(text, parts, options.offsets, Ledger(ledger.path))
    whole = text[min(places)[0] : max(end for _, end in places)]
    return places if said == whole else locate(text, parts, options.offsets, ledger, said)


def _parse_xml(path: Path, ledger: Ledger) -> Iterator[Tuple[int, List[Dict[str, Any]]]]:
    """YIELDS (Tuple[int, List[Dict[str, Any]]]): Documents with their line, as BioC's JSON has them."""
    parser: Any = xml.sax.make_parser()  # expat, which loads nothing from outside and bounds what entities grow to
    handler = _Handler(parser)
    parser.setContentHandler(handler)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                parser.feed(block)
                for line, document in handler.take():
                    yield line, [document]
            parser.close()
    except xml.sax.SAXParseException as err:
        ledger.error(err.getLineNumber() or 1, f"not XML as expected: {err.getMessage()}", path)
    except (xml.sax.SAXException, ValueError, LookupError) as err:  # ValueError, LookupError: of the encoding
        ledger.error(1, f"not XML as expected: {err}", path)


class _Handler(ContentHandler):
    """Builds documents as BioC's JSON has them. What should be a number and is none stays a string, and is refused with
    the rest of what is not as it must be."""

    LISTS = {"passage": "passages", "sentence": "sentences", "annotation": "annotations", "relation": "relations"}
    VALUES = ("id", "offset", "text")

    def __init__(self, parser: Any) -> None:
        super().__init__()
        self.parser = parser  # knows the line
        self.documents: List[Tuple[int, Dict[str, Any]]] = []
        self.stack: List[Dict[str, Any]] = []
        self.content: List[str] = []
        self.infon = ""

    def take(self) -> List[Tuple[int, Dict[str, Any]]]:
        """RETURNS (List[Tuple[int, Dict[str, Any]]]): The documents that are whole, with their lines."""
        documents, self.documents = self.documents, []
        return documents

    def startElement(self, name: str, attrs: Any) -> None:
        self.content = []
        if name == "document":
            self.stack = [{"passages": [], "line": self.parser.getLineNumber()}]
        elif not self.stack:
            return
        elif name in self.LISTS:
            part: Dict[str, Any] = {"infons": {}, **({"locations": []} if name == "annotation" else {})}
            self.stack[-1].setdefault(self.LISTS[name], []).append(part)
            self.stack.append(part)
        elif name == "infon":
            self.infon = attrs.get("key", "")
        elif name == "location":
            place = {key: _to_integer(attrs.get(key)) for key in ("offset", "length")}
            self.stack[-1].setdefault("locations", []).append(place)

    def skippedEntity(self, name: str) -> None:
        raise xml.sax.SAXException(f"the entity &{name}; is not defined in the file")

    def characters(self, content: str) -> None:
        self.content.append(content)

    def endElement(self, name: str) -> None:
        if not self.stack:
            return
        content = "".join(self.content)
        if name == "document":
            document = self.stack[0]
            self.documents.append((document.pop("line"), document))
            self.stack = []
        elif name in self.LISTS:
            self.stack.pop()
        elif name == "infon":
            self.stack[-1].setdefault("infons", {})[self.infon] = content.strip()
        elif name in self.VALUES:
            self.stack[-1][name] = _to_integer(content.strip()) if name == "offset" else content
        self.content = []


def _to_integer(value: Optional[str]) -> Any:
    return int(value) if value is not None and value.isascii() and value.isdecimal() and len(value) < 19 else value
