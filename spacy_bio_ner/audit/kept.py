"""What an audit keeps of the Docs that pass by."""

from array import array
from collections import Counter
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence

from spacy.tokens import Doc

from ..corpora.source_mentions import document_id, source_mentions

CONTEXT = 24  # characters shown on either side of a mention
OPENING = 60  # characters shown of a Doc


class KeptMention(NamedTuple):
    """An entity, or a mention of the source that is none. start and end count the tokens of the whole corpus."""

    doc: int
    start: int
    end: int
    label: str
    text: str


class KeptCorpus:
    """What is kept of the Docs, which are numbered across splits: some bytes for each token, and the mentions."""

    def __init__(self) -> None:
        self.docs: Dict[str, range] = {}
        self.documents: List[Optional[str]] = []
        self.starts = array("q", [0])  # the first token of each Doc, and the end of the last Doc
        self.words: List[str] = []
        self.numbers: Dict[str, int] = {}
        self.tokens = array("i")  # numbers of words
        self.lower = array("i")  # numbers of words in lower case
        self.spaced = bytearray()  # whether white space stands before a token
        self.iob = bytearray()
        self.mentions: List[KeptMention] = []
        self.crossing: List[KeptMention] = []
        self.snapped: List[KeptMention] = []
        self.lost: List[KeptMention] = []
        self.n_source_mentions: Counter = Counter()
        self.n_docs_with_sentences: Counter = Counter()

    def add(self, split: str, docs: Iterable[Doc]) -> None:
        first = len(self.documents)
        for doc in docs:
            self._add_tokens(doc)
            self._add_entities(doc)
            self._add_source(doc)
            self.n_source_mentions[split] += len(source_mentions(doc))
            # A Doc of one token always has that annotation
            self.n_docs_with_sentences[split] += len(doc) > 1 and doc.has_annotation("SENT_START")
            self.documents.append(document_id(doc))
            self.starts.append(len(self.tokens))
        self.docs[split] = range(first, len(self.documents))

    def _number(self, word: str) -> int:
        number = self.numbers.setdefault(word, len(self.words))
        if number == len(self.words):
            self.words.append(word)
        return number

    def _add_tokens(self, doc: Doc) -> None:
        before = ""
        for token in doc:
            word = " ".join(token.text.split())
            self.tokens.append(self._number(word))
            self.lower.append(self._number(word.lower()))
            self.spaced.append(bool(word) and (before[-1:].isspace() or token.text[0].isspace()))
            before = token.text_with_ws
        self.iob.extend(doc.to_array("ENT_IOB").tolist())

    def _add_entities(self, doc: Doc) -> None:
        offset = self.starts[-1]
        for ent in doc.ents:
            start, end = ent.start + offset, ent.end + offset
            mention = KeptMention(len(self.documents), start, end, ent.label_, self.text(start, end, self.lower))
            self.mentions.append(mention)
            if any(token.is_sent_start for token in ent[1:]):
                self.crossing.append(mention)

    def _add_source(self, doc: Doc) -> None:
        """Note the mentions of the source that are no entities: those moved to the edges of tokens, and the lost."""
        offset = self.starts[-1]
        ents = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        for start_char, end_char, label, *_ in source_mentions(doc):
            if (start_char, end_char, label) in ents:
                continue
            text = doc.text[start_char:end_char]
            start_char, end_char = end_char - len(text.lstrip()), start_char + len(text.rstrip())
            span = doc.char_span(start_char, end_char, alignment_mode="expand") or doc[:0]
            mention = KeptMention(len(self.documents), span.start + offset, span.end + offset, label, text.strip())
            snapped = (span.start_char, span.end_char, label) in ents
            (self.snapped if snapped else self.lost).append(mention)

    def text(self, start: int, end: int, tokens: Sequence[int]) -> str:
        """RETURNS (str): The text of a span of tokens or of lower, with white space normalised."""
        return "".join((" " if self.spaced[i] else "") + self.words[tokens[i]] for i in range(start, end)).strip()

    def tokens_of(self, split: str) -> slice:
        """RETURNS (slice): The tokens of a split."""
        return slice(self.starts[self.docs[split].start], self.starts[self.docs[split].stop])

    def of(self, split: str, mentions: Iterable[KeptMention]) -> List[KeptMention]:
        """RETURNS (List[KeptMention]): Those of the mentions that are in a split."""
        return [mention for mention in mentions if mention.doc in self.docs[split]]

    def split_of(self, doc: int) -> str:
        """RETURNS (str): The split of a Doc."""
        return next(split for split, docs in self.docs.items() if doc in docs)

    def place(self, doc: int, context: str) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Where something is. Docs count from 1 in their split."""
        split = self.split_of(doc)
        number = doc - self.docs[split].start + 1
        return {"split": split, "doc": number, "document": self.documents[doc], "context": context}

    def place_of_doc(self, doc: int) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Where a Doc is, and how it starts."""
        start, end = self.starts[doc], self.starts[doc + 1]
        return self.place(doc, shorten(self.text(start, min(end, start + OPENING), self.tokens), OPENING))

    def place_of(self, mention: KeptMention) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Where a mention is, and what stands around it."""
        first, last = self.starts[mention.doc], self.starts[mention.doc + 1]
        start, end = mention.start, mention.end
        left = self.text(max(first, start - CONTEXT), start, self.tokens)
        right = self.text(end, min(last, end + CONTEXT), self.tokens)
        before = shorten(left[::-1], CONTEXT)[::-1] + (" " if left and self.spaced[start] else "")
        after = (" " if right and self.spaced[end] else "") + shorten(right, CONTEXT)
        return self.place(mention.doc, f"{before}[{self.text(start, end, self.tokens)}]{after}")


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
