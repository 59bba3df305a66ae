"""What is true of a chain, by going through all its tag sequences one by one: the oracle of these tests."""

from itertools import product

import numpy
from thinc.api import NumpyOps
from thinc.types import Ragged

from spacy_bio_ner.crf.bio import allowed_starts, allowed_transitions
from spacy_bio_ner.crf.potentials import Potentials

OPS = NumpyOps()


def make_potentials(lengths, n_tags=5, seed=0, scale=2.0):
    rng = numpy.random.default_rng(seed)
    lengths = numpy.array(lengths, dtype="int32")
    transitions = numpy.where(allowed_transitions(n_tags), rng.normal(0, scale, (n_tags, n_tags)), -numpy.inf)
    starts = numpy.where(allowed_starts(n_tags), rng.normal(0, scale, n_tags), -numpy.inf)
    emissions = rng.normal(0, scale, (int(lengths.sum()), n_tags))
    return Potentials(Ragged(emissions, lengths), transitions, starts)


def random_allowed(potentials, seed):
    """Tags at random, but always O, so that some valid sequence is left."""
    allowed = numpy.random.default_rng(seed).random(potentials.emissions.dataXd.shape) < 0.6
    allowed[:, 0] = True
    return allowed


def random_rejected(lengths, seed, n_labels=2, most=5):
    """Up to five spans of a batch, often with the same start or label."""
    rng = numpy.random.default_rng(seed)
    spans = all_spans(lengths, n_labels)
    n = int(rng.integers(0, min(most, len(spans)) + 1))
    return [spans[i] for i in rng.choice(len(spans), size=n, replace=False)]


def all_spans(lengths, n_labels=2):
    starts = numpy.cumsum([0, *lengths])
    return [
        (int(start) + s, int(start) + e, label)
        for start, length in zip(starts, lengths)
        for s in range(length)
        for e in range(s + 1, length + 1)
        for label in range(n_labels)
    ]


def spans_of(tags):
    """The entities of a valid sequence of tags, read token by token."""
    spans, start = [], None
    for i, tag in enumerate([*tags, 0]):
        if start is not None and not (tag > 0 and tag % 2 == 0):
            spans.append((start, i, (tags[start] - 1) // 2))
            start = None
        if tag % 2 == 1:
            start = i
    return spans


def tags_of(spans, length):
    """The tags of a sequence with these entities, none of which overlap."""
    tags = numpy.zeros(length, dtype="int64")
    for start, end, label in spans:
        tags[start:end] = 2 + 2 * label
        tags[start] = 1 + 2 * label
    return tags


def enumerate_sequences(potentials, allowed=None, rejected=()):
    """For each document: all tag sequences and the score of each, by adding up potentials one by one."""
    start = 0
    for length in potentials.emissions.lengths:
        emissions = potentials.emissions.dataXd[start : start + length]
        mask = None if allowed is None else allowed[start : start + length]
        sequences, scores = [], []
        for tags in product(range(emissions.shape[1]), repeat=int(length)):
            score = potentials.starts[tags[0]] if tags else 0.0
            score += sum(potentials.transitions[a, b] for a, b in zip(tags, tags[1:]))
            score += sum(emissions[i, t] for i, t in enumerate(tags))
            if mask is not None and not all(mask[i, t] for i, t in enumerate(tags)):
                score = -numpy.inf
            if rejected and any((s + start, e + start, label) in rejected for s, e, label in spans_of(tags)):
                score = -numpy.inf
            sequences.append(tags)
            scores.append(score)
        yield sequences, numpy.array(scores, dtype="float64")
        start += length


def enumerate_probabilities(potentials, allowed=None, rejected=()):
    """For each document: its first token, its tag sequences that are possible, and their probabilities."""
    offset = 0
    enumerated = enumerate_sequences(potentials, allowed, rejected)
    for length, (sequences, scores) in zip(potentials.emissions.lengths, enumerated):
        weights = numpy.exp(scores - scores.max())
        probabilities = weights / weights.sum()
        yield offset, [(tags, p) for tags, p, score in zip(sequences, probabilities, scores) if score > -numpy.inf]
        offset += int(length)


def enumerate_spans(potentials, allowed=None, rejected=()):
    """The probability of every span that can be an entity."""
    found = {}
    for offset, sequences in enumerate_probabilities(potentials, allowed, rejected):
        for tags, p in sequences:
            for start, end, label in spans_of(tags):
                key = (start + offset, end + offset, label)
                found[key] = found.get(key, 0.0) + p
    return found
