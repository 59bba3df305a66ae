"""A corpus as people have it, turned into DocBin files: all of it or nothing."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List, Optional, Sequence

import spacy
from tqdm import tqdm

from . import bio
from .bio import Columns
from .docbin import group_sentences, write_records
from .record import CorpusError
from .report import Report
from .tags import Scheme, detect_scheme

TRAIN = "train"


class RefusedError(CorpusError):
    """Files of which something is refused.

    reports (List[Report]): The account of each file.
    """

    def __init__(self, reports: List[Report]):
        super().__init__("\n".join(error for report in reports for error in report.errors))
        self.reports = reports


def find_sources(source: Path) -> Dict[str, Path]:
    """Find the files of a corpus.

    source (Path): A file, or a folder of files with a suffix of BIO column files.
    RETURNS (Dict[str, Path]): The files by the name of their split, which is their name without suffix.
    RAISES (CorpusError): If there are none, or something else stands in their place.
    """
    if not source.exists():
        raise CorpusError(f"{source}: no such file or folder")
    if source.is_file():
        return {source.stem: source}
    sources: Dict[str, Path] = {}
    for path in sorted(source.iterdir()):
        if path.suffix.lower() not in bio.SUFFIXES:
            continue
        if path.is_dir():
            raise CorpusError(f"{path}: found a folder, expected a file")
        if path.stem in sources:
            raise CorpusError(f"{path}: would be written to the same file as {sources[path.stem]}: rename one of them")
        sources[path.stem] = path
    if not sources:
        suffixes = ", ".join(bio.SUFFIXES)
        raise CorpusError(f"{source}: found no file to convert, expected files ending in one of {suffixes}")
    return sources


def detect_scheme_of(paths: Sequence[Path], columns: Columns) -> Scheme:
    """Find the scheme of a corpus from all its files.

    paths (Sequence[Path]): The files.
    columns (Columns): Where their tokens and tags are.
    RETURNS (Scheme): The scheme.
    """

    def tags() -> Iterator[List[str]]:
        for path in paths:
            with path.open("rb") as file:
                for sentence in bio.read_sentences(file, columns, Report(path, Scheme.bio)):
                    yield sentence.tags

    return detect_scheme(tags())


def convert(
    source: Path,
    dest: Path,
    *,
    scheme: Optional[Scheme] = None,
    columns: Columns = Columns(),
    n_sents: int = 1,
    repair: bool = False,
    lang: str = "en",
) -> List[Report]:
    """Convert BIO column files to DocBin. If anything in them is refused, nothing is written.

    source (Path): A file, or a folder of files.
    dest (Path): The folder to write to: for each file one of the same name with the suffix .spacy.
    scheme (Optional[Scheme]): The scheme of the tags; found from all files if None.
    columns (Columns): Where tokens and tags are.
    n_sents (int): The number of sentences to join in a Doc; 0 joins all of a document.
    repair (bool): Whether to mend tags that have one sensible reading.
    lang (str): The language of the Docs.
    RETURNS (List[Report]): The account of each file.
    RAISES (RefusedError): If something in a file is refused.
    RAISES (CorpusError): If the source or the corpus as a whole cannot be used.
    """
    sources = find_sources(source)
    if dest.exists() and not dest.is_dir():
        raise CorpusError(f"{dest}: found a file, expected a folder to write to")
    scheme = scheme or detect_scheme_of(list(sources.values()), columns)
    try:
        nlp = spacy.blank(lang)
    except ImportError:
        raise CorpusError(f"--lang {lang}: spaCy has no such language, expected a code such as en") from None
    reports: Dict[str, Report] = {}
    with _all_or_nothing(dest) as beside:
        for name, path in sources.items():
            report = reports[name] = Report(path, scheme)
            with path.open("rb") as file:
                sentences = bio.read_sentences(_with_progress(file, path), columns, report)
                records = group_sentences(bio.read_records(sentences, scheme, repair, report), n_sents)
                report.documents = write_records(records, nlp, beside / f"{name}.spacy")
            if not report.sentences and not report.n_errors:
                raise CorpusError(f"{path}: found no sentence, expected a token and its tag on each line")
        if any(report.n_errors for report in reports.values()):
            raise RefusedError(list(reports.values()))
        _check_splits(reports)
    return list(reports.values())


def _check_splits(reports: Dict[str, Report]) -> None:
    """Refuse what no training could make good: nothing to learn, or labels that cannot be learned."""
    train = reports.get(TRAIN)
    if train is None:
        return
    if not train.labels:
        raise CorpusError(f"{train.path}: found no entity in {train.sentences} sentences, expected some to train on")
    for report in reports.values():
        for label, where in report.labels.items():
            if label not in train.labels:
                raise CorpusError(
                    f"{where}: found the label {label!r}, which {train.path} never has, so no model trained on it can "
                    f"predict it: correct the label, or take it out ({TRAIN} has {', '.join(sorted(train.labels))})"
                )


@contextmanager
def _all_or_nothing(dest: Path) -> Iterator[Path]:
    """Give a folder beside the destination to write in, and move what is in it into place at the end."""
    dest.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.parent))
    try:
        yield beside
        dest.mkdir(exist_ok=True)
        for path in beside.iterdir():
            target = dest / path.name
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(path, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _with_progress(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Pass on the lines of a file, with a progress bar where there is somebody to see it."""
    with tqdm(total=path.stat().st_size, desc=path.name, unit="B", unit_scale=True, leave=False, disable=None) as bar:
        for line in file:
            yield line
            bar.update(len(line))
