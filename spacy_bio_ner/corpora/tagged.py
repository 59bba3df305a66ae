"""Sentences of tagged words, as several formats have them, turned into records."""

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from .ledger import Ledger
from .record import Mention, Record
from .tags import MISSING, Scheme, read_tags, split_tag


class Sentence(NamedTuple):
    """A sentence's words and tags.

    lines (List[int]): The number of each word's line in its file, from 1.
    words (List[str]): The words.
    tags (List[str]): Their tags.
    document (Optional[str]): The id of its document, if the source has documents.
    cats (Optional[Dict[str, float]]): Its categories.
    inner_tags (Optional[List[str]]): Tags of entities inside of entities, if the source has them.
    split (Optional[str]): The split it belongs to, if the source says so.
    """

    lines: List[int]
    words: List[str]
    tags: List[str]
    document: Optional[str] = None
    cats: Optional[Dict[str, float]] = None
    inner_tags: Optional[List[str]] = None
    split: Optional[str] = None

    def content(self) -> str:
        """RETURNS (str): Its words with spaces between."""
        return " ".join(self.words)


def without_blanks(sentence: Sentence, ledger: Ledger) -> Sentence:
    """Leave out the words of a sentence that are only white space.

    sentence (Sentence): The sentence.
    ledger (Ledger): Takes how many there are, and those that stand at the start of an entity, which are refused.
    RETURNS (Sentence): The sentence with the other words.
    """
    if all(map(str.strip, sentence.words)):
        return sentence
    kept = []
    for i, (word, tag) in enumerate(zip(sentence.words, sentence.tags)):
        prefix, _ = split_tag(tag) or ("", "")
        if word.strip():
            kept.append(i)
        elif prefix in ("O", MISSING, "I"):
            ledger.passed_over["blank tokens"] += 1
        else:
            ledger.tokens["refused"] += 1
            ledger.error(sentence.lines[i], f"the tag {tag!r} stands on an empty token, expected a token")
    return sentence._replace(
        lines=[sentence.lines[i] for i in kept],
        words=[sentence.words[i] for i in kept],
        tags=[sentence.tags[i] for i in kept],
        inner_tags=sentence.inner_tags and [sentence.inner_tags[i] for i in kept],
    )


def read_records(sentences: Iterable[Sentence], scheme: Scheme, repair: bool, ledger: Ledger) -> Iterator[Record]:
    """Read the entities of sentences.

    sentences (Iterable[Sentence]): The sentences of a source.
    scheme (Scheme): The scheme of their tags.
    repair (bool): Whether to mend tags that have one sensible reading.
    ledger (Ledger): Takes the account of what was read.
    YIELDS (Record): A record for each sentence of which every tag can be read.
    """
    for sentence in sentences:
        if not sentence.words:
            continue
        ledger.sentences += 1
        ledger.tokens["kept"] += len(sentence.words)
        record = Record(words=sentence.words, sent_starts=[0], document=sentence.document, cats=sentence.cats or {})
        is_whole = True
        for tags in (sentence.tags, sentence.inner_tags):
            if tags is not None:
                is_whole &= _read_tags(tags, sentence.lines, record, scheme, repair, ledger)
        if is_whole:
            yield record


def _read_tags(tags: List[str], lines: List[int], record: Record, scheme: Scheme, repair: bool, ledger: Ledger) -> bool:
    """Add what tags say to a record. RETURNS (bool): Whether all of it can be used."""
    mentions, missing, problems = read_tags(tags, scheme)
    repaired, refused = set(), set()
    for problem in problems:
        if repair and problem.repairable:
            repaired.add(problem.mention)
        else:
            refused.add(problem.mention)
            hint = ", or use --repair" if problem.repairable else ""
            ledger.error(lines[problem.token], problem.message + hint)
    for mention in mentions:
        ledger.note_labels([mention], lines[mention.start])
    record.mentions += mentions
    record.missing += [(i, i + 1) for i in missing]
    record.repaired += len(repaired - refused)
    ledger.mentions["refused"] += len(refused - {None})  # None: a tag that is none, on a token of no mention
    if refused:
        ledger.mentions["kept"] += len(mentions) - len(refused - {None})
    return not refused


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
    """Join a record of words to another."""
    group.words = group.words or []
    offset = len(group.words)
    group.words += record.words or []
    group.mentions += [_shift(mention, offset) for mention in record.mentions]
    group.repaired += record.repaired
    group.missing += [(start + offset, end + offset) for start, end in record.missing]
    group.sent_starts += [start + offset for start in record.sent_starts]
    for name, value in record.cats.items():
        group.cats[name] = max(value, group.cats.get(name, 0.0))


def _shift(mention: Mention, offset: int) -> Mention:
    return mention._replace(start=mention.start + offset, end=mention.end + offset)
