"""What a Doc's source held, kept in its user data: the document's id, and every mention, lost ones too, so that a score
can count them as missed.
"""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from spacy.tokens import Doc

from ..constraints import ANNOTATED_LABELS, USER_DATA, annotated_labels
from ..crf.bio import IOB_MISSING
from ..util import InputError

# The span group of spans that are known to be no entities with their label, as spaCy's ner has it.
INCORRECT_SPANS = "incorrect_spans"


class SourceMention(NamedTuple):
    """An entity as the source had it: its characters in doc.text, its label, its id in a knowledge base, and the
    characters of its parts, if it has several that are apart."""

    start_char: int
    end_char: int
    label: str
    kb_id: str
    fragments: Tuple[Tuple[int, int], ...] = ()


def set_source(
    doc: Doc,
    document: Optional[str],
    mentions: Iterable[SourceMention],
    labels: Optional[List[str]] = None,
) -> None:
    """Keep with a Doc its document's id, the mentions of its source, which entities have come of them, and the labels
    that the source annotates, if it does not annotate all of them."""
    source: Dict[str, Any] = {
        "document": document,
        "mentions": [list(mention) for mention in mentions],
        "ents": [list(mention) for mention in _entities(doc)],
    }
    if labels is not None:
        source[ANNOTATED_LABELS] = list(labels)
    doc.user_data[USER_DATA] = source


def source_mentions(doc: Doc) -> List[SourceMention]:
    """RETURNS (List[SourceMention]): The mentions of a Doc's source. Entities that have been changed since are
    taken as they are now; so are all of a Doc that was not written here."""
    now = _entities(doc)
    if USER_DATA not in doc.user_data:
        return now
    source = doc.user_data[USER_DATA]
    then = [SourceMention(*ent) for ent in source["ents"]]
    removed = {ent[:3] for ent in then} - {ent[:3] for ent in now}
    added = {ent[:3] for ent in now} - {ent[:3] for ent in then}
    mentions = [
        SourceMention(start, end, label, kb_id, tuple((first, last) for first, last in fragments))
        for start, end, label, kb_id, fragments in source["mentions"]
    ]
    return [m for m in mentions if m[:3] not in removed] + [ent for ent in now if ent[:3] in added]


def document_id(doc: Doc) -> Optional[str]:
    """RETURNS (Optional[str]): The id of the document a Doc belongs to, if its source has documents."""
    return doc.user_data.get(USER_DATA, {}).get("document")


def is_binary(doc: Doc) -> bool:
    """RETURNS (bool): Whether nothing is known of a Doc but some entities, and spans that are none."""
    is_missing = [token.ent_iob == IOB_MISSING for token in doc]
    if not any(is_missing) or not (doc.ents or doc.spans.get(INCORRECT_SPANS)):
        return False
    return all(missing or token.ent_type for missing, token in zip(is_missing, doc))


def refuse_partial(doc: Doc, where: str) -> None:
    """Refuse a Doc of which less is known than that all is annotated or a token's annotation is missing.

    doc (Doc): The Doc.
    where (str): How messages name it.
    RAISES (InputError): If it has rejected spans, or the labels that were annotated.
    """
    if doc.spans.get(INCORRECT_SPANS):
        raise InputError(f"{where}: the format has no place for spans that were rejected: write it as jsonl")
    if annotated_labels(doc) is not None:
        raise InputError(f"{where}: the format has no place for which labels were annotated: write it as jsonl")


def whole_mentions(doc: Doc, where: str, may_be_binary: bool = False) -> List[SourceMention]:
    """The mentions of a Doc's source, for formats in which a mention is one span.

    doc (Doc): The Doc.
    where (str): How messages name it.
    may_be_binary (bool): Whether the format has a place for entities of which all that is around them is missing.
    RETURNS (List[SourceMention]): The mentions.
    RAISES (InputError): If such a format has no place for what the Doc holds.
    """
    if any(token.ent_iob == IOB_MISSING for token in doc) and not (may_be_binary and is_binary(doc)):
        raise InputError(f"{where}: the format has no place for missing annotation: write it as bio")
    mentions = source_mentions(doc)
    for mention in mentions:
        if len(mention.fragments) > 1:
            text = doc.text[mention.start_char : mention.end_char]
            raise InputError(f"{where}: the format has no place for mentions in several parts, found one in {text!r}")
    return mentions


def _entities(doc: Doc) -> List[SourceMention]:
    return [SourceMention(ent.start_char, ent.end_char, ent.label_, ent.kb_id_) for ent in doc.ents]
