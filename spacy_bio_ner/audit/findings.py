"""What is worth a look in an annotated corpus before a model learns from it: annotation that disagrees with itself,
mentions lost or across sentence starts, Docs that stand in it twice, labels with little to learn from, and what of
dev and test a model cannot have seen in train. One pass over the Docs, none of which is kept.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy
from spacy.cli.debug_data import NEW_LABEL_THRESHOLD
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.docbin import read_docs
from ..corpora.source_mentions import document_id, source_mentions
from ..corpora.sources import DEV, TEST, TRAIN
from ..crf.bio import IOB_MISSING, IOB_OUTSIDE
from ..util import InputError
from .duplicates import near_duplicates

SPLITS = (TRAIN, DEV, TEST)
MAX_EXAMPLES = 10
MAX_PLACES = 3  # of a text with one label, tagged or untagged
CONTEXT = 24  # characters shown on either side of a mention
OPENING = 60  # characters shown of a Doc
PERCENTILES = (50, 90, 99)
MIN_TAGGED = 2  # mentions of a text that make it worth a look where it stands untagged


def read_splits(corpus: Path) -> Dict[str, Iterator[Doc]]:
    """Find the splits of a converted corpus.

    corpus (Path): A folder with any of train.spacy, dev.spacy and test.spacy, each a file or a folder of shards.
    RETURNS (Dict[str, Iterator[Doc]]): The Docs of each split, read only while they are iterated over.
    RAISES (InputError): If there is no such folder, or nothing to read in it.
    """
    if not corpus.is_dir():
        raise InputError(f"{corpus}: no such folder, expected one written by 'bio-ner convert'")
    paths = {split: corpus / f"{split}.spacy" for split in SPLITS}
    found = {split: path for split, path in paths.items() if path.exists()}
    if not found:
        names = ", ".join(path.name for path in paths.values())
        raise InputError(f"{corpus}: found none of {names}: convert the corpus with 'bio-ner convert' first")
    vocab = Vocab()
    return {split: read_docs(path, vocab) for split, path in found.items()}


def audit(splits: Dict[str, Iterable[Doc]]) -> Dict[str, Any]:
    """Look through a corpus. Texts are compared in lower case, with white space normalised.

    splits (Dict[str, Iterable[Doc]]): The Docs of each split, by its name. Only "train" has a meaning of its own.
    RETURNS (Dict[str, Any]): What was found, in types that JSON has. Counts and lists of texts are full,
        texts whose annotation disagrees most come first; examples and places are the first ones, of Docs that
        repeat others the longest.
    """
    corpus = _Corpus()
    for split, docs in splits.items():
        corpus.add(split, docs)
    return {
        "splits": {split: _describe_split(corpus, split) for split in splits},
        "labels": _describe_labels(corpus),
        "mention_lengths": _describe_lengths(corpus),
        "lost": {split: _describe_lost(corpus, split) for split in splits},
        "sentence_crossing": {split: _describe_crossing(corpus, split) for split in splits},
        "duplicates": _find_duplicates(corpus),
        "label_conflicts": _find_label_conflicts(corpus),
        "untagged": _find_untagged(corpus),
        "unseen": _find_unseen(corpus),
    }


class _Mention(NamedTuple):
    """An entity, or a mention of the source that is none. start and end count the tokens of the whole corpus."""

    doc: int
    start: int
    end: int
    label: str
    text: str


class _Corpus:
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
        self.mentions: List[_Mention] = []
        self.crossing: List[_Mention] = []
        self.snapped: List[_Mention] = []
        self.lost: List[_Mention] = []
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
            mention = _Mention(len(self.documents), start, end, ent.label_, self.text(start, end, self.lower))
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
            mention = _Mention(len(self.documents), span.start + offset, span.end + offset, label, text.strip())
            snapped = (span.start_char, span.end_char, label) in ents
            (self.snapped if snapped else self.lost).append(mention)

    def text(self, start: int, end: int, tokens: Sequence[int]) -> str:
        """RETURNS (str): The text of a span of tokens or of lower, with white space normalised."""
        return "".join((" " if self.spaced[i] else "") + self.words[tokens[i]] for i in range(start, end)).strip()

    def tokens_of(self, split: str) -> slice:
        """RETURNS (slice): The tokens of a split."""
        return slice(self.starts[self.docs[split].start], self.starts[self.docs[split].stop])

    def of(self, split: str, mentions: Iterable[_Mention]) -> List[_Mention]:
        """RETURNS (List[_Mention]): Those of the mentions that are in a split."""
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
        return self.place(doc, _cut(self.text(start, min(end, start + OPENING), self.tokens), OPENING))

    def place_of(self, mention: _Mention) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Where a mention is, and what stands around it."""
        first, last = self.starts[mention.doc], self.starts[mention.doc + 1]
        start, end = mention.start, mention.end
        left = self.text(max(first, start - CONTEXT), start, self.tokens)
        right = self.text(end, min(last, end + CONTEXT), self.tokens)
        before = _cut(left[::-1], CONTEXT)[::-1] + (" " if left and self.spaced[start] else "")
        after = (" " if right and self.spaced[end] else "") + _cut(right, CONTEXT)
        return self.place(mention.doc, f"{before}[{self.text(start, end, self.tokens)}]{after}")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _share(count: int, of: int) -> Dict[str, Any]:
    return {"count": count, "of": of, "share": count / of if of else 0.0}


def _describe_split(corpus: _Corpus, split: str) -> Dict[str, Any]:
    docs, tokens = corpus.docs[split], corpus.tokens_of(split)
    mentions = corpus.of(split, corpus.mentions)
    n_tokens = tokens.stop - tokens.start
    iob = Counter(corpus.iob[tokens])
    lengths = numpy.diff(numpy.array(corpus.starts)[docs.start : docs.stop + 1])
    adjacent = sum(a.doc == b.doc and a.end == b.start for a, b in zip(mentions, mentions[1:]))
    return {
        "docs": len(docs),
        "tokens": n_tokens,
        "mentions": len(mentions),
        "tokens_in_mentions": _share(sum(m.end - m.start for m in mentions), n_tokens),
        "tokens_missing": _share(iob[IOB_MISSING], n_tokens),
        "docs_without_mention": _share(len(docs) - len({m.doc for m in mentions}), len(docs)),
        "adjacent_mentions": _share(adjacent, len(mentions)),
        "doc_length": {
            "mean": float(lengths.mean()) if len(docs) else 0.0,
            "percentiles": {str(p): float(numpy.percentile(lengths, p)) if len(docs) else 0.0 for p in PERCENTILES},
            "max": int(lengths.max()) if len(docs) else 0,
        },
    }


def _describe_labels(corpus: _Corpus) -> Dict[str, Any]:
    """Count labels. They are rare by the threshold of spaCy's debug data, which looks at the factory ner only."""
    counts = {split: Counter(m.label for m in corpus.of(split, corpus.mentions)) for split in corpus.docs}
    labels = sorted(set().union(*counts.values()))
    rare = [label for label in labels if 0 < counts[TRAIN][label] <= NEW_LABEL_THRESHOLD] if TRAIN in counts else []
    return {
        "counts": {label: {split: counts[split][label] for split in counts} for label in labels},
        "rare": rare,
        "absent": {split: [label for label in labels if not counts[split][label]] for split in counts},
    }


def _describe_lengths(corpus: _Corpus) -> Dict[str, Any]:
    lengths: Dict[str, Counter] = defaultdict(Counter)
    for mention in corpus.mentions:
        lengths[mention.label][mention.end - mention.start] += 1
    return {
        label: {
            "mean": sum(length * n for length, n in counts.items()) / sum(counts.values()),
            "max": max(counts),
            "histogram": {str(length): counts[length] for length in sorted(counts)},
        }
        for label, counts in sorted(lengths.items())
    }


def _describe_lost(corpus: _Corpus, split: str) -> Dict[str, Any]:
    lost, n_mentions = corpus.of(split, corpus.lost), corpus.n_source_mentions[split]
    return {
        "lost": _share(len(lost), n_mentions),
        "snapped": _share(len(corpus.of(split, corpus.snapped)), n_mentions),
        "labels": dict(Counter(mention.label for mention in lost)),
        "examples": [{"text": m.text, "label": m.label, "place": corpus.place_of(m)} for m in lost[:MAX_EXAMPLES]],
    }


def _describe_crossing(corpus: _Corpus, split: str) -> Dict[str, Any]:
    crossing = corpus.of(split, corpus.crossing)
    return {
        "docs_with_sentences": corpus.n_docs_with_sentences[split],
        "mentions": _share(len(crossing), len(corpus.of(split, corpus.mentions))),
        "examples": [{"label": m.label, "place": corpus.place_of(m)} for m in crossing[:MAX_EXAMPLES]],
    }


def _disagreement(counts: Iterable[int]) -> float:
    """RETURNS (float): How many places there are, times the chance that two of them, drawn one after the other and
    put back, differ: much where many places disagree, little where nearly all agree."""
    counts = list(counts)
    total = sum(counts)
    return total - sum(n * n for n in counts) / total


def _find_label_conflicts(corpus: _Corpus) -> Dict[str, Any]:
    """Find texts that are mentions with one label here and another there."""
    by_text: Dict[str, Dict[str, List[_Mention]]] = defaultdict(lambda: defaultdict(list))
    for mention in corpus.mentions:
        by_text[mention.text][mention.label].append(mention)
    found = []
    for text, by_label in by_text.items():
        if len(by_label) > 1:
            labels = {
                label: {"count": len(mentions), "places": [corpus.place_of(m) for m in mentions[:MAX_PLACES]]}
                for label, mentions in sorted(by_label.items(), key=lambda item: (-len(item[1]), item[0]))
            }
            found.append({"text": text, "mentions": sum(map(len, by_label.values())), "labels": labels})
    found.sort(key=lambda f: (-_disagreement(label["count"] for label in f["labels"].values()), f["text"]))
    return {"mentions": _share(sum(f["mentions"] for f in found), len(corpus.mentions)), "texts": found}


def _find_untagged(corpus: _Corpus) -> Dict[str, Any]:
    """Find texts that are mentions here and stand untagged there, all their tokens O."""
    tagged: Dict[str, List[_Mention]] = defaultdict(list)
    for mention in corpus.mentions:
        tagged[mention.text].append(mention)
    tagged = {text: mentions for text, mentions in tagged.items() if text and len(mentions) >= MIN_TAGGED}
    untagged: Dict[str, List[_Mention]] = defaultdict(list)
    for mention in _find_outside(corpus, sorted(tagged)):
        untagged[mention.text].append(mention)
    found = [
        {
            "text": text,
            "tagged": _share(len(tagged[text]), len(tagged[text]) + len(places)),
            "untagged": len(places),
            "labels": dict(Counter(mention.label for mention in tagged[text])),
            "places_tagged": [corpus.place_of(mention) for mention in tagged[text][:MAX_PLACES]],
            "places_untagged": [corpus.place_of(mention) for mention in places[:MAX_PLACES]],
        }
        for text, places in untagged.items()
    ]
    # The untagged places count by the chance that two others of the text, taken at random, are both tagged
    found.sort(key=lambda f: (-f["untagged"] * f["tagged"]["share"] ** 2, f["text"]))
    return {
        "tagged": sum(f["tagged"]["count"] for f in found),
        "untagged": sum(f["untagged"] for f in found),
        "texts": found,
    }


def _find_outside(corpus: _Corpus, texts: Sequence[str]) -> Iterator[_Mention]:
    """Find texts where no token of them is in an entity or without annotation. From each token on, a text is read
    only as long as it is the beginning of one of those looked for, which their order tells.

    corpus (_Corpus): The corpus.
    texts (Sequence[str]): The texts in lower case, sorted.
    YIELDS (_Mention): The places.
    """

    def next_text(text: str) -> str:
        at = bisect_left(texts, text)
        return texts[at] if at < len(texts) else ""

    begins = numpy.array([bool(word) and next_text(word).startswith(word) for word in corpus.words], dtype=bool)
    lower = numpy.array(corpus.lower)
    starts = numpy.flatnonzero(begins[lower] & (numpy.array(corpus.iob) == IOB_OUTSIDE)) if len(lower) else lower
    docs = numpy.searchsorted(corpus.starts, starts, side="right") - 1
    for doc, start in zip(docs.tolist(), starts.tolist()):
        text = ""
        for i in range(start, corpus.starts[doc + 1]):
            word = corpus.words[lower[i]]
            if corpus.iob[i] != IOB_OUTSIDE:
                break
            if not word:
                continue
            text += " " + word if text and corpus.spaced[i] else word
            found = next_text(text)
            if not found.startswith(text):
                break
            if found == text:
                yield _Mention(doc, start, i + 1, "", text)


def _find_unseen(corpus: _Corpus) -> Dict[str, Any]:
    """Find for each split but train the mentions whose text and label never occur in train."""
    if TRAIN not in corpus.docs:
        return {}
    labels = sorted({mention.label for mention in corpus.mentions})
    seen = {(m.text, m.label) for m in corpus.of(TRAIN, corpus.mentions)}

    def count(mentions: Counter) -> Dict[str, Any]:
        unseen = {key: n for key, n in mentions.items() if key not in seen}
        return {
            "mentions": _share(sum(unseen.values()), sum(mentions.values())),
            "distinct": _share(len(unseen), len(mentions)),
        }

    result = {}
    for split in corpus.docs:
        if split != TRAIN:
            mentions = Counter((m.text, m.label) for m in corpus.of(split, corpus.mentions))
            by_label = {label: Counter({key: n for key, n in mentions.items() if key[1] == label}) for label in labels}
            result[split] = {**count(mentions), "labels": {label: count(by_label[label]) for label in labels}}
    return result


def _find_duplicates(corpus: _Corpus) -> List[Dict[str, Any]]:
    """Find for each pair of splits how many Docs of one repeat a Doc that stands before them in the other, or in
    the same. Those that repeat one exactly are left out of those that repeat one nearly."""
    lower = numpy.array(corpus.lower)
    splits = [split for split, docs in corpus.docs.items() for _ in docs]
    sequences = [lower[start:end] for start, end in zip(corpus.starts, corpus.starts[1:])]
    exact: Dict[Tuple[str, str], List[Tuple[int, int, float]]] = defaultdict(list)
    near: Dict[Tuple[str, str], List[Tuple[int, int, float]]] = defaultdict(list)
    n_near: Counter = Counter()
    firsts: Dict[bytes, Dict[str, int]] = defaultdict(dict)  # of equal Docs the first in each split
    firsts_of: List[Dict[str, int]] = []
    copies: Counter = Counter()
    for doc, split in enumerate(splits):
        equal = firsts[sequences[doc].tobytes()]
        for other_split, other in equal.items():
            exact[split, other_split].append((doc, other, 1.0))
        copies[equal.setdefault(split, doc)] += 1
        firsts_of.append(equal)
    distinct = sorted(copies)
    for i, j, similarity in near_duplicates([sequences[doc] for doc in distinct], [splits[doc] for doc in distinct]):
        doc, other = distinct[i], distinct[j]
        pair = splits[doc], splits[other]
        if firsts_of[doc].get(splits[other], doc) == doc:  # else it repeats one there exactly
            near[pair].append((doc, other, similarity))
            # It stands for the Docs equal to it, but those repeat it exactly in their own split
            n_near[pair] += 1 if splits[doc] == splits[other] else copies[doc]

    def examples(found: List[Tuple[int, int, float]]) -> List[Dict[str, Any]]:
        longest = sorted(found, key=lambda repeat: -len(sequences[repeat[0]]))[:MAX_EXAMPLES]
        return [
            {"doc": corpus.place_of_doc(doc), "repeats": corpus.place_of_doc(other), "similarity": similarity}
            for doc, other, similarity in longest
        ]

    return [
        {
            "split": split,
            "repeats": other,
            "exact": _share(len(exact[split, other]), len(corpus.docs[split])),
            "near": _share(n_near[split, other], len(corpus.docs[split])),
            "examples_exact": examples(exact[split, other]),
            "examples_near": examples(near[split, other]),
        }
        for other, split in combinations_with_replacement(corpus.docs, 2)
    ]
