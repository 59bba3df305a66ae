"""Records made into Docs: mentions given in characters are brought onto the pipeline's tokens, and what becomes
of each is written into the ledger.
"""

from typing import List, Optional, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span

from .docbin import SourceMention, set_source
from .ledger import Report
from .record import Mention, Record

# Why a mention that its source has is not in the Doc: BIO tags have room for one entity per token.
DISCONTINUOUS = "discontinuous: several parts that are apart"
DUPLICATE = "duplicate: the same span and label once more"
SAME_SPAN = "same span: another label on the same tokens"
NESTED = "nested: inside a longer mention"
OVERLAPPING = "overlapping: a longer mention has some of its tokens"
BLANK = "blank: no token"
SNAPPED = "snapped"


def record_to_doc(record: Record, nlp: Language, report: Report) -> Doc:
    """Make a Doc of a record. A record of words keeps its words: the Doc's spaces are unknown, which tells
    spaCy's Corpus to train on these tokens. A text is tokenized as the pipeline will tokenize it.

    record (Record): The record.
    nlp (Language): Has the tokenizer.
    report (Report): Takes what became of mentions given in characters.
    RETURNS (Doc): The Doc, with entities, missing annotation, sentence starts and what its source held.
    """
    starts = set(record.sent_starts)
    if record.words is not None:
        doc = Doc(nlp.vocab, words=record.words, sent_starts=[i in starts for i in range(len(record.words))])
        ents = [Span(doc, m.start, m.end, label=m.label, kb_id=m.kb_id) for m in record.mentions]
        source = [SourceMention(e.start_char, e.end_char, e.label_, e.kb_id_) for e in ents]
    else:
        doc = nlp.make_doc(record.text)
        for token in doc:
            if token.idx in starts:  # whether others start sentences too is unknown
                token.is_sent_start = True
        ents = _align(doc, record, report)
        source = [SourceMention(*mention) for mention in record.mentions]
    doc.set_ents(ents, missing=[doc[i : i + 1] for i in record.missing])
    doc.cats = record.cats
    set_source(doc, record.document, source)
    return doc


def _align(doc: Doc, record: Record, report: Report) -> List[Span]:
    """Choose the mentions that become entities: of those that overlap the longest, of equals the first."""
    taken: List[Optional[Span]] = [None] * len(doc)
    ents = []
    by_length = sorted(record.mentions, key=lambda m: (m.start - m.end, m.start))
    for mention in by_length:
        span = None if len(mention.fragments) > 1 else _snap(doc, mention)
        blocking = None if span is None else next((taken[t] for t in range(span.start, span.end) if taken[t]), None)
        if span is None or blocking is not None:
            reason = _why_lost(mention, span, blocking)
            report.mentions["lost"] += 1
            report.lost[reason] += 1
            report.example(reason, _describe(record, mention))
            continue
        ents.append(span)
        taken[span.start : span.end] = [span] * len(span)
        if (span.start_char, span.end_char) == (mention.start, mention.end):
            report.mentions["kept"] += 1
        else:
            report.mentions[SNAPPED] += 1
            report.example(SNAPPED, f"{_describe(record, mention)} -> {span.text!r}")
    return ents


def _snap(doc: Doc, mention: Mention) -> Optional[Span]:
    """RETURNS (Optional[Span]): The tokens that a mention touches, None if it touches none."""
    text = doc.text[mention.start : mention.end]
    start = mention.start + len(text) - len(text.lstrip())
    end = mention.start + len(text.rstrip())
    if start >= end:
        return None
    return doc.char_span(start, end, label=mention.label, kb_id=mention.kb_id, alignment_mode="expand")


def _why_lost(mention: Mention, span: Optional[Span], blocking: Optional[Span]) -> str:
    if len(mention.fragments) > 1:
        return DISCONTINUOUS
    if span is None or blocking is None:
        return BLANK
    if (span.start, span.end) == (blocking.start, blocking.end):
        return DUPLICATE if span.label == blocking.label else SAME_SPAN
    return NESTED if blocking.start <= span.start and span.end <= blocking.end else OVERLAPPING


def _describe(record: Record, mention: Mention) -> str:
    parts: Tuple[Tuple[int, int], ...] = mention.fragments or ((mention.start, mention.end),)
    text = " ... ".join(record.text[start:end] for start, end in parts)
    where = f"{record.document}: " if record.document else ""
    return f"{where}{text!r} {mention.label} [{mention.start}:{mention.end}]"
