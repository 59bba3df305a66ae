"""Docs that are nearly the same, found exactly, not by sampling.

Their similarity is the Jaccard index of their sets of word 3-grams (A. Z. Broder 1997, On the resemblance and
containment of documents). The pairs to compare come from an inverted index that holds the rarest 3-grams of each Doc,
just as many as make sure that any two Docs similar enough share one (prefix filtering: S. Chaudhuri, V. Ganti,
R. Kaushik 2006, A primitive operator for similarity joins in data cleaning).
"""

from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import Dict, Iterator, List, Sequence, Tuple

import numpy

SIMILARITY = Fraction(4, 5)
MIN_TOKENS = 5  # of a Doc whose 3-grams say something

# For each 3-gram, for each size, the sequences that have it in their prefix.
_Index = Dict[int, Dict[int, List[int]]]


def near_duplicates(sequences: Sequence[numpy.ndarray], groups: Sequence[str]) -> Iterator[Tuple[int, int, float]]:
    """Find sequences that nearly repeat one before them. Sequences of fewer than MIN_TOKENS words are left out.

    sequences (Sequence[numpy.ndarray]): The numbers of each sequence's words.
    groups (Sequence[str]): The group of each sequence.
    YIELDS (Tuple[int, int, float]): For each sequence, and each group in which there is one before it that has a
        similarity of at least SIMILARITY to it: its index, the index of one such, and their similarity.
    """
    shingles = _shingles(sequences)
    indexes: Dict[str, _Index] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for i, (own, group) in enumerate(zip(shingles, groups)):
        # A similar set shares ceil(SIMILARITY * len(own)) at least, so the rarest it shares is one of these
        prefix = own[: len(own) - ceil(SIMILARITY * len(own)) + 1].tolist()
        members = set(own.tolist())
        for index in indexes.values():
            for j in _candidates(prefix, len(own), index):
                shared = len(members.intersection(shingles[j].tolist()))
                either = len(own) + len(shingles[j]) - shared
                if shared >= SIMILARITY * either:
                    yield i, j, shared / either
                    break
        for shingle in prefix:
            indexes[group][shingle][len(own)].append(i)


def _candidates(prefix: Sequence[int], size: int, index: _Index) -> Iterator[int]:
    """YIELDS (int): The indexed sequences that may be similar to one of this size. If the first 3-gram they share
    is at some position of the prefix, then they share no more than there are from there on."""
    tried = set()
    for position, shingle in enumerate(prefix):
        for other_size, others in index.get(shingle, {}).items():
            if min(size - position, other_size) >= SIMILARITY / (1 + SIMILARITY) * (size + other_size):
                for j in others:
                    if j not in tried:
                        tried.add(j)
                        yield j


def _shingles(sequences: Sequence[numpy.ndarray]) -> List[numpy.ndarray]:
    """RETURNS (List[numpy.ndarray]): The distinct 3-grams of each sequence as numbers, the rarest of all first."""
    lengths = numpy.array([len(sequence) for sequence in sequences], dtype="int64")
    words = numpy.concatenate([*sequences, numpy.zeros(0, dtype="int64")]).astype("int64")
    owners = numpy.repeat(numpy.arange(len(lengths)), lengths)
    whole = (owners[2:] == owners[:-2]) & (lengths[owners[2:]] >= MIN_TOKENS)
    owners = owners[2:][whole]
    # Pairs of words are numbered, then pairs of such a number and a word: unlike a hash it never takes two for one
    _, pairs = numpy.unique(words[:-1] * (words.max(initial=0) + 1) + words[1:], return_inverse=True)
    _, grams = numpy.unique((pairs[:-1] * (words.max(initial=0) + 1) + words[2:])[whole], return_inverse=True)
    n_grams = grams.max(initial=0) + 1
    owners, grams = numpy.divmod(numpy.unique(owners * n_grams + grams), n_grams)
    by_rarity = numpy.argsort(numpy.bincount(grams, minlength=n_grams), kind="stable")
    ranks = numpy.empty_like(by_rarity)
    ranks[by_rarity] = numpy.arange(n_grams)
    owners, ranks = numpy.divmod(numpy.sort(owners * n_grams + ranks[grams]), n_grams)
    return numpy.split(ranks, numpy.searchsorted(owners, numpy.arange(1, len(lengths))))
