"""Spans with some words around them, for a person to read."""

from typing import List, NamedTuple, Tuple

from spacy.tokens import Doc

from ..corpora.source_mentions import document_id
from ..evaluation.counts import TextSpan

# The most tokens that are shown on either side.
WIDTH = 14


class Context(NamedTuple):
    """A piece of a text in which spans are to be seen.

    before (str): What stands before the first span.
    tokens (List[str]): The tokens from the start of the first span to the end of the last, with the spaces between.
    after (str): What stands after it.
    spans (List[Tuple[int, int]]): Start and end of each span among the tokens.
    place (str): The document, or the number of the Doc, from 1.
    """

    before: str
    tokens: List[str]
    after: str
    spans: List[Tuple[int, int]]
    place: str


def context(doc: Doc, number: int, spans: List[TextSpan]) -> Context:
    """Cut a window out of a Doc, within the sentence where sentences are known.

    doc (Doc): The Doc.
    number (int): Its number in the corpus, from 0.
    spans (List[TextSpan]): The spans to show. One that ends inside a token is shown with all of the token.
    RETURNS (Context): The window.
    """
    found = (doc.char_span(span.start_char, span.end_char, alignment_mode="expand") for span in spans)
    shown = [tokens for tokens in found if tokens is not None]
    start, end = min(span.start for span in shown), max(span.end for span in shown)
    left, right = max(start - WIDTH, 0), min(end + WIDTH, len(doc))
    if doc.has_annotation("SENT_START"):
        left = max(left, doc[start].sent.start)
        right = min(right, doc[end - 1].sent.end)
    return Context(
        ("… " if left else "") + doc[left:start].text_with_ws,
        [token.text_with_ws for token in doc[start : end - 1]] + [doc[end - 1].text],
        doc[end - 1].whitespace_ + doc[end:right].text + (" …" if right < len(doc) else ""),
        [(span.start - start, span.end - start) for span in shown],
        document_id(doc) or f"Doc {number + 1}",
    )
