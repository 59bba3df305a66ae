"""CORD-19, as it is published: a folder with metadata.csv, a row for each paper, and document_parses, with the text of
some of them as JSON."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List

from .item import SEPARATOR, Fields, Item, Refused, make_item
from .streams import open_stream
from .table import read_rows

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


def read(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read the papers. The text of one is its title, its abstract and the paragraphs of its body, parted by blank
    lines; without the folder document_parses, title and abstract alone.

    path (Path): The folder.
    name (str): Its name in places.
    fields (Fields): Not used, since the fields are known.
    YIELDS (Item): An item for each row of the metadata.
    RAISES (InputError): If a column is not there.
    """
    has_parses = (path / PARSES).is_dir()
    for place, row in read_rows(path / METADATA, f"{name}/{METADATA}", COLUMNS):
        row = {column: row.get(column) or "" for column in COLUMNS}
        parse: Dict[str, Any] = {}
        if has_parses:
            names = [part.strip() for column in PARSE_COLUMNS for part in row[column].split(";") if part.strip()]
            if names:
                # Several files of one column are a paper and its supplements
                try:
                    parse = _read_parse(path / names[0])
                except (OSError, ValueError, RecursionError) as err:
                    cause = f"{names[0]}: {getattr(err, 'strerror', None) or err}"
                    yield Refused(row["cord_uid"] or None, place, cause)
                    continue
        parts = (row["title"] or parse.get("title"), row["abstract"] or parse.get("abstract"), parse.get("body"))
        entry = {
            "id": row["cord_uid"],
            "text": SEPARATOR.join(part for part in parts if part),
            "date": row["publish_time"],
        }
        yield make_item(entry, Fields(id="id"), place)


def read_file(path: Path, name: str, fields: Fields) -> Iterator[Item]:
    """Read the JSON of one paper, without metadata.

    path (Path): The file.
    name (str): Its name in places.
    fields (Fields): Not used, since the fields are known.
    YIELDS (Item): The one item.
    """
    try:
        parse = _read_parse(path)
    except (ValueError, RecursionError) as err:
        yield Refused(None, name, str(err))
    else:
        text = SEPARATOR.join(parse[key] for key in ("title", "abstract", "body") if parse[key])
        yield make_item({"id": parse["id"], "text": text}, Fields(), name)


def _read_parse(path: Path) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): A paper's id, title, abstract and body.
    RAISES (OSError, ValueError): If the file cannot be read or is none of a paper."""
    with open_stream(path) as file:
        try:
            entry = json.load(file)
        except json.JSONDecodeError as err:
            raise ValueError(f"not JSON ({err.msg} at line {err.lineno}), expected a paper of CORD-19") from None
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
        raise ValueError("expected a paper of CORD-19, with paper_id, metadata.title and body_text")
    return parse
