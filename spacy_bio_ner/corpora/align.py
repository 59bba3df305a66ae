"""Records made into Docs: mentions given in characters are brought onto the pipeline's tokens, and what becomes
of each is written into the ledger.
"""

from typing import List, Optional, Sequence, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from .ledger import Ledger
from .record import Mention, Record
from .source_mentions import INCORRECT_SPANS, SourceMention, set_source

# Why a mention that its source has is not in the Doc: BIO tags have room for one entity per token.
DISCONTINUOUS = "discontinuous: several parts that are apart"
DUPLICATE = "duplicate: the same span and label once more"
SAME_SPAN = "same span: another label on the same tokens"
NESTED = "nested: inside a longer mention"
OVERLAPPING = "overlapping: a longer mention has some of its tokens"
BLANK = "blank: no token"
SNAPPED = "snapped"
MAX_SHOWN = 200  # characters of a mention in an example
# Why a rejected span says nothing about the Doc's tokens
NO_TOKENS = "no tokens: it starts or ends inside one, so that it could not be found"
ACCEPTED = "accepted: on these tokens there is an entity with its label, which was moved to their edges"


def record_to_doc(record: Record, nlp: Language, ledger: Ledger) -> Doc:
    """Make a Doc of a record. A record of words keeps its words: the Doc's spaces are unknown, which tells
    spaCy's Corpus to train on these tokens. A text is tokenized as the pipeline will tokenize it.

    record (Record): The record.
    nlp (Language): Has the tokenizer.
    ledger (Ledger): Takes what became of mentions.
    RETURNS (Doc): The Doc, with entities, missing annotation, rejected spans, sentence starts and what its source held.
    """
    starts = set(record.sent_starts)
    if record.words is not None:
        doc = Doc(nlp.vocab, words=record.words, sent_starts=[i in starts for i in range(len(record.words))])
    else:
        doc = nlp.make_doc(record.text or "")
        for token in doc:
            if token.idx in starts:  # whether others start sentences too is unknown
                token.is_sent_start = True
    ents = _choose_entities(doc, record, ledger)
    missing = _find_missing(doc, record, ents)
    doc.set_ents(ents, missing=[doc[i : i + 1] for i in missing])
    ledger.missing += len(missing)
    ledger.label_counts.update(mention.label for mention in record.mentions)
    rejected = _find_rejected(doc, record, ents, ledger)
    if rejected:
        doc.spans[INCORRECT_SPANS] = SpanGroup(doc, name=INCORRECT_SPANS, spans=rejected)
    doc.cats = record.cats
    set_source(doc, record.document, [_in_characters(doc, record, m) for m in record.mentions], record.annotated_labels)
    return doc


def _choose_entities(doc: Doc, record: Record, ledger: Ledger) -> List[Span]:
    """Choose the mentions that become entities: of those that overlap the longest, of equals the first."""
    taken: List[Optional[Span]] = [None] * len(doc)
    ents = []
    by_length = sorted(record.mentions, key=lambda m: (m.start - m.end, m.start))
    for mention in by_length:
        span = None if len(mention.fragments) > 1 else _to_span(doc, record, mention, "expand")
        blocking = None if span is None else next((taken[t] for t in range(span.start, span.end) if taken[t]), None)
        if span is None or blocking is not None:
            reason = _why_lost(mention, span, blocking)
            ledger.mentions["lost"] += 1
            ledger.lost[reason] += 1
            ledger.example(reason, _describe(doc, record, mention))
            continue
        ents.append(span)
        taken[span.start : span.end] = [span] * len(span)
        if record.words is not None or (span.start_char, span.end_char) == (mention.start, mention.end):
            ledger.mentions["kept"] += 1
        else:
            ledger.mentions[SNAPPED] += 1
            ledger.example(SNAPPED, f"{_describe(doc, record, mention)} -> {span.text!r}")
    if record.words is not None:
        ledger.mentions["kept"] -= record.repaired
        ledger.mentions["repaired"] += record.repaired
    return ents


def _find_missing(doc: Doc, record: Record, ents: Sequence[Span]) -> List[int]:
    """RETURNS (List[int]): The tokens whose annotation is missing."""
    known = {i for ent in ents for i in range(ent.start, ent.end)}
    if record.words is not None:
        missing = {i for start, end in record.missing for i in range(start, end)}
    else:
        spans = (doc.char_span(start, end, alignment_mode="expand") for start, end in record.missing)
        missing = {token.i for span in spans for token in span or ()}
    return sorted(missing - known)


def _find_rejected(doc: Doc, record: Record, ents: Sequence[Span], ledger: Ledger) -> List[Span]:
    """RETURNS (List[Span]): The rejected spans that are spans of tokens."""
    accepted = {(ent.start, ent.end, ent.label) for ent in ents}
    spans = []
    for mention in record.rejected:
        span = _to_span(doc, record, mention, "strict")
        if span is None:
            fate = NO_TOKENS
        elif (span.start, span.end, span.label) in accepted:
            fate = ACCEPTED
        else:
            fate = "kept"
            spans.append(span)
        ledger.rejected[fate] += 1
        if fate != "kept":
            ledger.example(fate, _describe(doc, record, mention))
    return spans


def _to_span(doc: Doc, record: Record, mention: Mention, mode: str) -> Optional[Span]:
    """RETURNS (Optional[Span]): The tokens of a mention, None if it has none."""
    if record.words is not None:
        return Span(doc, mention.start, mention.end, label=mention.label, kb_id=mention.kb_id)
    text = doc.text[mention.start : mention.end]
    start = mention.start + len(text) - len(text.lstrip())
    end = mention.start + len(text.rstrip())
    if start >= end:
        return None
    return doc.char_span(start, end, label=mention.label, kb_id=mention.kb_id, alignment_mode=mode)


def _why_lost(mention: Mention, span: Optional[Span], blocking: Optional[Span]) -> str:
    if len(mention.fragments) > 1:
        return DISCONTINUOUS
    if span is None or blocking is None:
        return BLANK
    if (span.start, span.end) == (blocking.start, blocking.end):
        return DUPLICATE if span.label == blocking.label else SAME_SPAN
    return NESTED if blocking.start <= span.start and span.end <= blocking.end else OVERLAPPING


def _in_characters(doc: Doc, record: Record, mention: Mention) -> SourceMention:
    if record.words is None:
        return SourceMention(*mention)
    span = doc[mention.start : mention.end]
    return SourceMention(span.start_char, span.end_char, mention.label, mention.kb_id)


def _describe(doc: Doc, record: Record, mention: Mention) -> str:
    start, end, label, _, fragments = _in_characters(doc, record, mention)
    parts: Tuple[Tuple[int, int], ...] = fragments or ((start, end),)
    text = " ... ".join(doc.text[start:end] for start, end in parts)
    text = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
    where = f"{record.document}: " if record.document else ""
    return f"{where}{text!r} {label} [{mention.start}:{mention.end}]"
