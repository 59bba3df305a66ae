"""A corpus as people have it, turned into DocBin files: all of it or nothing."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Union, cast

import spacy
import srsly
from tqdm import tqdm

from ..tokenizer import tokenizer_of_language
from ..util import InputError, atomic_write
from .align import record_to_doc
from .docbin import SUFFIX, write_records
from .formats.registry import FORMATS
from .ledger import Ledger
from .offsets import check_units
from .options import Options
from .output import LEDGER, all_or_nothing
from .record import Record
from .sources import SPLITS, TRAIN, Source, find_sources, name_split
from .tagged import Sentence, group_sentences, read_records
from .tags import Scheme, detect_scheme

# The options of the command line that are the fields of Options
OPTION_NAMES = {
    "columns": "--separator, --token-column, --tag-column",
    "offsets": "--offsets",
    "entity_key": "--entity-key",
    "tag_names": "--labels",
}


class RefusedError(InputError):
    """Sources of which something is refused.

    ledgers (Dict[str, Ledger]): The account of each, by name.
    """

    def __init__(self, ledgers: Dict[str, Ledger], message: str = ""):
        super().__init__(message or "\n".join(error for ledger in ledgers.values() for error in ledger.errors))
        self.ledgers = ledgers


def convert(
    source: Path,
    dest: Path,
    *,
    format: Optional[str] = None,
    scheme: Optional[Scheme] = None,
    options: Options = Options(),
    annotated_labels: Optional[List[str]] = None,
    n_sents: int = 1,
    repair: bool = False,
    spacy_tokenizer: bool = False,
    fail_on_lost: bool = False,
    fail_on_unknown: bool = False,
    lang: str = "en",
) -> Dict[str, Ledger]:
    """Convert a corpus to DocBin. If anything in it is refused, nothing is written.

    source (Path): A file, or a folder with a file or folder for each split.
    dest (Path): The folder to write to: for each part <name>.spacy, and ledger.json.
    format (Optional[str]): The format of the source; told by its content if None.
    scheme (Optional[Scheme]): The scheme of tags; told by all the corpus's tags if None.
    options (Options): What readers have to be told.
    annotated_labels (Optional[List[str]]): The labels that the source annotates; all of them if None.
    n_sents (int): The number of tagged sentences to join in a Doc; 0 joins all of a document.
    repair (bool): Whether to mend tags that have one sensible reading.
    spacy_tokenizer (bool): Whether to leave punctuation in text as spaCy has it, and not split it.
    fail_on_lost (bool): Whether to refuse a corpus of which a mention is lost.
    fail_on_unknown (bool): Whether to refuse a corpus with labels that its training split has not.
    lang (str): The language of the Docs.
    RETURNS (Dict[str, Ledger]): The account of each part, by name.
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
    parts = [_Part(name, found, format or found.format, options) for name, found in sources.items()]
    _check_options(parts, options)
    if scheme is None:
        tagged = {part.source.path: part for part in parts if part.is_tagged}
        scheme = detect_scheme(sentence.tags for part in tagged.values() for sentence in part.sentences(Ledger(source)))
    splits = _divide(parts)
    ledgers: Dict[str, Ledger] = {}
    with all_or_nothing(dest) as beside:
        for part in parts:
            if part.source.division is not None and part.name not in splits:
                continue  # the source says itself that it has none
            ledger = ledgers[part.name] = Ledger(part.source.path)
            records = part.records(ledger, scheme, repair, n_sents, annotated_labels)
            progress = tqdm(records, desc=part.source.path.name, unit=" docs", leave=False, disable=None)
            to_doc = partial(record_to_doc, ledger=ledger)
            ledger.documents = write_records(progress, nlp, beside / f"{part.name}{SUFFIX}", to_doc)
            if not ledger.documents and not ledger.n_errors:
                raise InputError(f"{part.source.path}: found no sentence for {part.name} (read as {part.format})")
            if part.source.division is not None:
                if ledger.n_errors:
                    break  # the other splits are of the same source
                if len(ledgers) > 1:
                    ledger.passed_over.clear()  # the account of the first split has it
        if any(ledger.n_errors for ledger in ledgers.values()):
            raise RefusedError(ledgers)
        for ledger in ledgers.values():
            check_units(ledger, options.offsets)
        if fail_on_lost and any(ledger.lost for ledger in ledgers.values()):
            raise RefusedError(ledgers, "mentions are lost, and --fail-on-lost is set")
        _check_splits(ledgers, fail_on_unknown)
        with atomic_write(beside / LEDGER) as temporary:
            srsly.write_json(temporary, {name: ledger.to_json() for name, ledger in ledgers.items()})
    return ledgers


def unknown_labels(ledgers: Dict[str, Ledger]) -> Dict[str, "Counter[str]"]:
    """RETURNS (Dict[str, Counter[str]]): For each split the labels that the training split has not, which no model
    trained on it can predict, and how many mentions have them."""
    train = ledgers.get(TRAIN)
    if train is None:
        return {}
    unknown = {
        name: Counter({label: n for label, n in ledger.label_counts.items() if label not in train.label_counts})
        for name, ledger in ledgers.items()
    }
    return {name: labels for name, labels in unknown.items() if labels}


class _Part:
    """A part of the corpus, as it is to be read."""

    def __init__(self, name: str, source: Source, format: str, options: Options) -> None:
        self.name, self.source, self.format, self.options = name, source, format, options
        self.is_tagged, is_folder = FORMATS[format].is_tagged, FORMATS[format].is_folder
        if is_folder not in (None, source.path.is_dir()):
            found, expected = ("file", "folder") if is_folder else ("folder", "file")
            raise InputError(f"{source.path}: found a {found}, but {format} is read from a {expected}")

    def all(self, ledger: Ledger) -> Iterator[Union[Record, Sentence]]:
        """YIELDS (Union[Record, Sentence]): What the source holds, also what belongs to other parts."""
        return FORMATS[self.format].read(self.source.path, ledger, self.options)

    def sentences(self, ledger: Ledger) -> Iterator[Sentence]:
        """YIELDS (Sentence): What a source of tagged words holds."""
        return cast(Iterator[Sentence], self.all(ledger))

    def records(
        self, ledger: Ledger, scheme: Scheme, repair: bool, n_sents: int, annotated_labels: Optional[List[str]]
    ) -> Iterator[Record]:
        """YIELDS (Record): The records of this part."""
        own = self._own(ledger)
        if self.is_tagged:
            sentences = cast(Iterator[Sentence], own)
            records = group_sentences(read_records(sentences, scheme, repair, ledger), n_sents)
        else:
            records = cast(Iterator[Record], own)
        for record in records:
            if annotated_labels is not None:
                record.annotated_labels = annotated_labels
            _check_labels(record, ledger)
            yield record

    def _own(self, ledger: Ledger) -> Iterator[Union[Record, Sentence]]:
        division = self.source.division
        for item in self.all(ledger):
            if division is not None:
                if division.split_of(item) == self.name:
                    yield item
            elif item.split is not None and self.name in SPLITS and name_split(item.split) != self.name:
                raise InputError(
                    f"{self.source.path}: is named for {self.name}, but says that a text belongs to {item.split}: "
                    "name it otherwise, and its texts are divided as it says"
                )
            else:
                yield item


def _check_options(parts: List[_Part], options: Options) -> None:
    """RAISES (InputError): If an option is given that concerns none of the parts."""
    for field, names in OPTION_NAMES.items():
        given = getattr(options, field) != getattr(Options(), field)
        if given and not any(field in FORMATS[part.format].takes for part in parts):
            formats = ", ".join(sorted({part.format for part in parts}))
            takers = ", ".join(name for name, format in FORMATS.items() if field in format.takes)
            raise InputError(f"{names}: not for {formats}, which the source is read as, but for {takers}")


def _divide(parts: List[_Part]) -> Set[str]:
    """RETURNS (Set[str]): The splits among which one source is divided, if it is."""
    [part, *_] = parts
    if part.source.division is None:
        return set()
    ledger = Ledger(part.source.path)
    try:
        return part.source.division.fill(part.all(ledger), part.source.path)
    except InputError:
        if ledger.n_errors:
            return set(SPLITS)  # what is refused is told first
        raise


def _check_labels(record: Record, ledger: Ledger) -> None:
    """RAISES (InputError): If a mention has a label that is not annotated."""
    if record.annotated_labels is not None:
        for mention in [*record.mentions, *record.rejected]:
            if mention.label not in record.annotated_labels:
                where = ledger.labels.get(mention.label, str(ledger.path))
                raise InputError(
                    f"{where}: found the label {mention.label!r}, which is not among those that are annotated "
                    f"({', '.join(record.annotated_labels)}): name it in --annotated-labels, or take it out"
                )


def _check_splits(ledgers: Dict[str, Ledger], fail_on_unknown: bool) -> None:
    """RAISES (InputError): If there is nothing to learn, or, if so asked, something that cannot be learned."""
    train = ledgers.get(TRAIN)
    if train is not None and not train.label_counts and not train.rejected:
        raise InputError(f"{train.path}: found no entity in {train.documents} Docs, expected some to train on")
    if fail_on_unknown:
        for name, labels in unknown_labels(ledgers).items():
            where = ledgers[name].labels[next(iter(labels))]
            raise InputError(
                f"{where}: found {', '.join(labels)}, which {TRAIN} never has, and --fail-on-unknown is set"
            )
