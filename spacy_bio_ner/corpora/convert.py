"""A corpus as people have it, turned into DocBin files: all of it or nothing."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import spacy
import srsly
from tqdm import tqdm

from ..tokenizer import tokenizer_of_language
from ..util import InputError
from .align import record_to_doc
from .docbin import is_shard, write_records
from .formats.columns import Columns
from .formats.registry import FORMATS
from .ledger import Report
from .lines import excerpt
from .record import Record
from .sources import TRAIN, Source, find_sources, is_file_name
from .tagged import Sentence, group_sentences, read_records
from .tags import Scheme, detect_scheme

LEDGER = "ledger.json"


class RefusedError(InputError):
    """Sources of which something is refused.

    reports (Dict[str, Report]): The account of each, by name.
    """

    def __init__(self, reports: Dict[str, Report], message: str = ""):
        super().__init__(message or "\n".join(error for report in reports.values() for error in report.errors))
        self.reports = reports


def convert(
    source: Path,
    dest: Path,
    *,
    format: Optional[str] = None,
    scheme: Optional[Scheme] = None,
    columns: Columns = Columns(),
    n_sents: int = 1,
    repair: bool = False,
    spacy_tokenizer: bool = False,
    fail_on_lost: bool = False,
    lang: str = "en",
) -> Dict[str, Report]:
    """Convert a corpus to DocBin. If anything in it is refused, nothing is written.

    source (Path): A file, or a folder with a file or folder for each split.
    dest (Path): The folder to write to: for each part <name>.spacy, and ledger.json.
    format (Optional[str]): The format of the source; told by its content if None.
    scheme (Optional[Scheme]): The scheme of tags; told by all the corpus's tags if None.
    columns (Columns): Where BIO columns have tokens and tags.
    n_sents (int): The number of tagged sentences to join in a Doc; 0 joins all of a document.
    repair (bool): Whether to mend tags that have one sensible reading.
    spacy_tokenizer (bool): Whether to leave punctuation in text as spaCy has it, and not split it.
    fail_on_lost (bool): Whether to refuse a corpus of which a mention is lost.
    lang (str): The language of the Docs.
    RETURNS (Dict[str, Report]): The account of each part, by name.
    RAISES (RefusedError): If something in a part is refused.
    RAISES (InputError): If the source or the corpus as a whole cannot be used.
    """
    sources = find_sources(source)
    if dest.exists() and not dest.is_dir():
        raise InputError(f"{dest}: found a file, expected a folder to write to")
    try:
        nlp = spacy.blank(lang)
    except ImportError:
        raise InputError(f"--lang {lang}: spaCy has no such language, expected a code such as en") from None
    if not spacy_tokenizer:
        nlp.tokenizer = tokenizer_of_language(nlp)
    formats = {name: format or part.format for name, part in sources.items()}
    if scheme is None:
        tagged = {part.path: formats[name] for name, part in sources.items() if FORMATS[formats[name]].is_tagged}
        scheme = detect_scheme(
            sentence.tags
            for path, name in tagged.items()
            for sentence in _read_sentences(path, name, columns, Report(path))
        )
    reports: Dict[str, Report] = {}
    with _all_or_nothing(dest) as beside:
        for name, part in sources.items():
            report = reports[name] = Report(part.path)
            records: Iterator[Record]
            if FORMATS[formats[name]].is_tagged:
                sentences = _read_sentences(part.path, formats[name], columns, report)
                sentences = (s for s in sentences if part.takes(s.document, " ".join(s.words)))
                records = group_sentences(read_records(sentences, scheme, repair, report), n_sents)
            else:
                records = _read_texts(part, formats[name], report)
            progress = tqdm(records, desc=part.path.name, unit=" docs", leave=False, disable=None)
            to_doc = partial(record_to_doc, report=report)
            report.documents = write_records(progress, nlp, beside / f"{name}.spacy", to_doc)
            if not report.documents and not report.n_errors:
                raise InputError(f"{part.path}: found no sentence for {name} (read as {formats[name]})")
            if report.n_errors and part.share is not None:
                break  # the other splits are of the same source
        if any(report.n_errors for report in reports.values()):
            raise RefusedError(reports)
        if fail_on_lost and any(report.lost for report in reports.values()):
            raise RefusedError(reports, "mentions are lost, and --fail-on-lost is set")
        _check_splits(reports)
        srsly.write_json(beside / LEDGER, {name: report.to_json() for name, report in reports.items()})
    return reports


def _read_sentences(path: Path, format: str, columns: Columns, report: Report) -> Iterator[Sentence]:
    options = {"columns": columns} if format == "bio" else {}
    return FORMATS[format].read(path, report, **options)


def _read_texts(part: Source, format: str, report: Report) -> Iterator[Record]:
    for record in FORMATS[format].read(part.path, report):
        if part.takes(record.document, record.text if record.text is not None else " ".join(record.words)):
            yield record


def _check_splits(reports: Dict[str, Report]) -> None:
    """Refuse what no training could make good: nothing to learn, or labels that cannot be learned."""
    train = reports.get(TRAIN)
    if train is None:
        return
    if not train.labels:
        raise InputError(f"{train.path}: found no entity in {train.documents} Docs, expected some to train on")
    for report in reports.values():
        for label, where in report.labels.items():
            if label not in train.labels:
                raise InputError(
                    f"{where}: found the label {label!r}, which {train.path} never has, so no model trained on it can "
                    f"predict it: correct the label, or take it out ({TRAIN} has {', '.join(sorted(train.labels))})"
                )


def _parts_of(dest: Path) -> List[str]:
    """Find what an earlier conversion wrote to a folder, before anything there is replaced.

    dest (Path): The folder.
    RETURNS (List[str]): The names of the parts in its ledger; none if there is no ledger.
    RAISES (InputError): If its ledger.json is none of ours. A name in it that is a path would lead out of the folder.
    """
    path = dest / LEDGER
    if not path.exists():
        return []
    try:
        ledger = srsly.read_json(path)
    except (ValueError, OSError) as err:
        ledger = err
    if not isinstance(ledger, dict) or not all(is_file_name(name) for name in ledger):
        found = ledger if isinstance(ledger, Exception) else excerpt(ledger)
        raise InputError(
            f"{path}: found {found}, expected a ledger that 'bio-ner convert' wrote: remove that file, or give another "
            "folder to write to"
        )
    return list(ledger)


def _check_removable(path: Path) -> None:
    """RAISES (InputError): If a path is a folder with more in it than shards, which were written here."""
    if path.is_dir() and not path.is_symlink():
        others = sorted(entry for entry in path.iterdir() if not is_shard(entry))
        if others:
            raise InputError(f"{others[0]}: was not written by 'bio-ner convert': move it, or give another folder")


def _remove(path: Path) -> None:
    """Remove a .spacy file, or a folder of shards. Of a link the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _all_or_nothing(dest: Path) -> Iterator[Path]:
    """Give a folder beside the destination to write in, and move what is in it into place at the end."""
    earlier = _parts_of(dest)
    dest.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.parent))
    try:
        yield beside
        replaced = {dest / f"{name}.spacy" for name in earlier} | {dest / path.name for path in beside.iterdir()}
        for path in replaced:
            _check_removable(path)
        dest.mkdir(exist_ok=True)
        # The old ledger goes first and the new one comes last: a folder that has one is whole.
        (dest / LEDGER).unlink(missing_ok=True)
        for path in replaced:
            _remove(path)
        for path in sorted(beside.iterdir(), key=lambda path: path.name == LEDGER):
            os.replace(path, dest / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
