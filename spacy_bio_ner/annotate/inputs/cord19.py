"""CORD-19, as it is published: a folder with metadata.csv, a row for each paper, and document_parses, with the text of
some of them as JSON."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List

from ...util import printable
from .delimited import read_rows
from .item import SEPARATOR, Fields, Item, Refused, make_item
from .json_lines import unique_keys
from .streams import Progress, open_stream

METADATA = "metadata.csv"
PARSES = "document_parses"
# Those from PubMed Central's XML come before those from a PDF, which has line ends, headers and tables in its text
PARSE_COLUMNS = ("pmc_json_files", "pdf_json_files")
COLUMNS = ("cord_uid", "title", "abstract", "publish_time", *PARSE_COLUMNS)


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a folder has this layout."""
    return (path / METADATA).is_file()


def files(path: Path) -> List[Path]:
    """RETURNS (List[Path]): The files of the folder that are read."""
    return [path / METADATA, *sorted((path / PARSES).rglob("*.json"))]


def file_name(folder: Path, name: str, file: Path) -> str:
    """RETURNS (str): What a file of the folder is called."""
    return f"{name}/{printable(file.relative_to(folder).as_posix())}"


def read(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read the papers. The text of one is its title, its abstract and the paragraphs of its body, parted by blank
    lines; without the folder document_parses, title and abstract alone.

    path (Path): The folder.
    name (str): Its name in places.
    fields (Fields): Not used, since the fields are known.
    progress (Progress): Takes what is read.
    YIELDS (Item): An item for each row of the metadata.
    RAISES (InputError): If a column is not there, or is there twice, or a file was changed meanwhile.
    """
    has_parses = (path / PARSES).is_dir()
    for place, row in read_rows(path / METADATA, file_name(path, name, path / METADATA), COLUMNS, progress):
        if isinstance(row, Refused):
            yield row
            continue
        parse: Dict[str, Any] = {}
        names = [part.strip() for column in PARSE_COLUMNS for part in row[column].split(";") if part.strip()]
        if has_parses and names:
            # Several files of one column are a paper and its supplements
            try:
                parse = _read_named_parse(path, name, names[0], progress)
            except (OSError, RecursionError, _Unreadable) as err:
                cause = f"{printable(names[0])}: {getattr(err, 'strerror', None) or err}"
                yield Refused(printable(row["cord_uid"]) or None, place, cause)
                continue
        parts = (row["title"] or parse.get("title"), row["abstract"] or parse.get("abstract"), parse.get("body"))
        entry = {
            "id": row["cord_uid"],
            "text": SEPARATOR.join(part for part in parts if part),
            "date": row["publish_time"],
        }
        yield make_item(entry, Fields(id="id"), place)


def read_file(path: Path, name: str, fields: Fields, progress: Progress) -> Iterator[Item]:
    """Read the JSON of one paper, without metadata.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): Not used, since the fields are known.
    progress (Progress): Takes what is read.
    YIELDS (Item): The one item.
    """
    try:
        parse = _read_parse(path, name, progress)
    except (RecursionError, _Unreadable) as err:
        yield Refused(None, name, str(err))
    else:
        text = SEPARATOR.join(parse[key] for key in ("title", "abstract", "body") if parse[key])
        yield make_item({"id": parse["id"], "text": text}, Fields(), name)


class _Unreadable(Exception):
    """A file that is none of a paper."""


def _read_named_parse(folder: Path, name: str, relative: str, progress: Progress) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): A paper's parts, from a file that the metadata names. Nothing outside the folder, and
    nothing but files, is opened for a name from data."""
    try:
        path = (folder / relative).resolve()
        if not path.is_relative_to((folder / PARSES).resolve()):
            raise _Unreadable(f"is not in {PARSES}")
        if path.exists() and not path.is_file():
            raise _Unreadable("is not a file")
    except (ValueError, RuntimeError) as err:  # a name with a null character, links in a circle
        raise _Unreadable(str(err)) from None
    return _read_parse(path, file_name(folder, name, folder / relative), progress)


def _read_parse(path: Path, name: str, progress: Progress) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): A paper's id, title, abstract and body.
    RAISES (OSError, _Unreadable): If the file cannot be read, or is none of a paper."""
    with open_stream(path, name, progress) as file:
        content = file.read()
    try:
        entry = json.loads(content, object_pairs_hook=unique_keys)
    except json.JSONDecodeError as err:
        raise _Unreadable(f"not JSON ({err.msg} at line {err.lineno}), expected a paper of CORD-19") from None
    except ValueError as err:  # not UTF-8, a key that is there twice
        raise _Unreadable(f"JSON that cannot be read ({err})") from None
    try:
        parse = {
            "id": entry["paper_id"],
            "title": entry["metadata"]["title"],
            # Those from PubMed Central have no abstract
            "abstract": SEPARATOR.join(part["text"] for part in entry.get("abstract", ())),
            "body": SEPARATOR.join(part["text"] for part in entry["body_text"]),
        }
    except (AttributeError, KeyError, TypeError):
        parse = {"title": None}
    if not isinstance(parse["title"], str):
        raise _Unreadable("expected a paper of CORD-19, with paper_id, metadata.title and body_text")
    return parse
