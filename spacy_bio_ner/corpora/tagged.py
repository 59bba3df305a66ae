"""Sentences of tagged words, as several formats have them, turned into records."""

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from .ledger import Report
from .record import Record
from .tags import Scheme, read_tags


class Sentence(NamedTuple):
    """A sentence's words and tags.

    lines (List[int]): The number of each word's line in its file, from 1.
    words (List[str]): The words.
    tags (List[str]): Their tags.
    document (Optional[str]): The id of its document, if the source has documents.
    cats (Optional[Dict[str, float]]): Its categories.
    """

    lines: List[int]
    words: List[str]
    tags: List[str]
    document: Optional[str] = None
    cats: Optional[Dict[str, float]] = None


def read_records(sentences: Iterable[Sentence], scheme: Scheme, repair: bool, report: Report) -> Iterator[Record]:
    """Read the entities of sentences.

    sentences (Iterable[Sentence]): The sentences of a source.
    scheme (Scheme): The scheme of their tags.
    repair (bool): Whether to mend tags that have one sensible reading.
    report (Report): Takes the account of what was read.
    YIELDS (Record): A record for each sentence.
    """
    for sentence in sentences:
        mentions, missing, problems = read_tags(sentence.tags, scheme)
        repaired, refused = set(), set()
        for problem in problems:
            if repair and problem.repairable:
                repaired.add(problem.mention)
            else:
                refused.add(problem.mention)
                hint = ", or use --repair" if problem.repairable else ""
                report.error(sentence.lines[problem.token], problem.message + hint)
        refused.discard(None)  # a tag that is none, on a token of no mention
        report.mentions["repaired"] += len(repaired - refused)
        report.mentions["refused"] += len(refused)
        report.mentions["kept"] += len(mentions) - len(repaired | refused)
        report.missing += len(missing)
        report.sentences += 1
        report.tokens["kept"] += len(sentence.words)
        for mention in mentions:
            report.labels.setdefault(mention.label, report.where(sentence.lines[mention.start]))
        yield Record(
            words=sentence.words,
            mentions=mentions,
            missing=missing,
            sent_starts=[0],
            document=sentence.document,
            cats=sentence.cats or {},
        )


def group_sentences(records: Iterable[Record], n_sents: int) -> Iterator[Record]:
    """Join records of words into larger ones, never across documents.

    records (Iterable[Record]): A record for each sentence.
    n_sents (int): The number of sentences to join; 0 joins all of a document.
    YIELDS (Record): The joined records.
    """
    group = None
    size = 0
    for record in records:
        if group is not None and (size == n_sents or record.document != group.document):
            yield group
            group = None
        if group is None:
            group, size = record, 1
        else:
            _append(group, record)
            size += 1
    if group is not None:
        yield group


def _append(group: Record, record: Record) -> None:
    offset = len(group.words)
    group.words += record.words
    group.mentions += [m._replace(start=m.start + offset, end=m.end + offset) for m in record.mentions]
    group.missing += [i + offset for i in record.missing]
    group.sent_starts += [i + offset for i in record.sent_starts]
    for name, value in record.cats.items():
        group.cats[name] = max(value, group.cats.get(name, 0.0))
