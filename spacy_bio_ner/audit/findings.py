"""What is worth a look in an annotated corpus before a model learns from it: annotation that disagrees with itself,
mentions lost or across sentence starts, Docs that stand in it twice, labels with little to learn from, and what of
dev and test a model cannot have seen in train. One pass over the Docs, none of which is kept.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

import numpy
from spacy.cli.debug_data import NEW_LABEL_THRESHOLD
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.docbin import read_docs
from ..corpora.sources import DEV, TEST, TRAIN
from ..crf.bio import IOB_MISSING, IOB_OUTSIDE
from ..util import InputError
from .duplicates import near_duplicates
from .kept import KeptCorpus, KeptMention

SPLITS = (TRAIN, DEV, TEST)
MAX_EXAMPLES = 10
MAX_PLACES = 3  # of a text with one label, tagged or untagged
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


def audit(splits: Mapping[str, Iterable[Doc]]) -> Dict[str, Any]:
    """Look through a corpus. Texts are compared in lower case, with white space normalised.

    splits (Mapping[str, Iterable[Doc]]): The Docs of each split, by its name. Only "train" has a meaning of its own.
    RETURNS (Dict[str, Any]): What was found, in types that JSON has. Counts and lists of texts are full,
        texts whose annotation disagrees most come first; examples and places are the first ones, of Docs that
        repeat others the longest.
    """
    corpus = KeptCorpus()
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


def _share(count: int, of: int) -> Dict[str, Any]:
    return {"count": count, "of": of, "share": count / of if of else 0.0}


def _describe_split(corpus: KeptCorpus, split: str) -> Dict[str, Any]:
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


def _describe_labels(corpus: KeptCorpus) -> Dict[str, Any]:
    """Count labels. They are rare by the threshold of spaCy's debug data, which looks at the factory ner only."""
    counts = {split: Counter(m.label for m in corpus.of(split, corpus.mentions)) for split in corpus.docs}
    labels = sorted(set().union(*counts.values()))
    rare = [label for label in labels if 0 < counts[TRAIN][label] <= NEW_LABEL_THRESHOLD] if TRAIN in counts else []
    return {
        "counts": {label: {split: counts[split][label] for split in counts} for label in labels},
        "rare": rare,
        "absent": {split: [label for label in labels if not counts[split][label]] for split in counts},
    }


def _describe_lengths(corpus: KeptCorpus) -> Dict[str, Any]:
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


def _describe_lost(corpus: KeptCorpus, split: str) -> Dict[str, Any]:
    lost, n_mentions = corpus.of(split, corpus.lost), corpus.n_source_mentions[split]
    return {
        "lost": _share(len(lost), n_mentions),
        "snapped": _share(len(corpus.of(split, corpus.snapped)), n_mentions),
        "labels": dict(Counter(mention.label for mention in lost)),
        "examples": [{"text": m.text, "label": m.label, "place": corpus.place_of(m)} for m in lost[:MAX_EXAMPLES]],
    }


def _describe_crossing(corpus: KeptCorpus, split: str) -> Dict[str, Any]:
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


def _find_label_conflicts(corpus: KeptCorpus) -> Dict[str, Any]:
    """Find texts that are mentions with one label here and another there."""
    by_text: Dict[str, Dict[str, List[KeptMention]]] = defaultdict(lambda: defaultdict(list))
    for mention in corpus.mentions:
        by_text[mention.text][mention.label].append(mention)
    found: List[Dict[str, Any]] = []
    for text, by_label in by_text.items():
        if len(by_label) > 1:
            labels = {
                label: {"count": len(mentions), "places": [corpus.place_of(m) for m in mentions[:MAX_PLACES]]}
                for label, mentions in sorted(by_label.items(), key=lambda item: (-len(item[1]), item[0]))
            }
            found.append({"text": text, "mentions": sum(map(len, by_label.values())), "labels": labels})
    found.sort(key=lambda f: (-_disagreement(label["count"] for label in f["labels"].values()), f["text"]))
    return {"mentions": _share(sum(f["mentions"] for f in found), len(corpus.mentions)), "texts": found}


def _find_untagged(corpus: KeptCorpus) -> Dict[str, Any]:
    """Find texts that are mentions here and stand untagged there, all their tokens O."""
    tagged: Dict[str, List[KeptMention]] = defaultdict(list)
    for mention in corpus.mentions:
        tagged[mention.text].append(mention)
    tagged = {text: mentions for text, mentions in tagged.items() if text and len(mentions) >= MIN_TAGGED}
    untagged: Dict[str, List[KeptMention]] = defaultdict(list)
    for mention in _find_outside(corpus, sorted(tagged)):
        untagged[mention.text].append(mention)
    found: List[Dict[str, Any]] = [
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


def _find_outside(corpus: KeptCorpus, texts: Sequence[str]) -> Iterator[KeptMention]:
    """Find texts where no token of them is in an entity or without annotation. From each token on, a text is read
    only as long as it is the beginning of one of those looked for, which their order tells.

    corpus (KeptCorpus): The corpus.
    texts (Sequence[str]): The texts in lower case, sorted.
    YIELDS (KeptMention): The places.
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
                yield KeptMention(doc, start, i + 1, "", text)


def _find_unseen(corpus: KeptCorpus) -> Dict[str, Any]:
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


def _find_duplicates(corpus: KeptCorpus) -> List[Dict[str, Any]]:
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
