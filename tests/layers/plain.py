"""Embedding without a cache, for comparison."""

import numpy

from spacy_bio_ner.layers.subword_embed import _attributes, _distinct_words, _features


def word_features(model, docs):
    """The features of each distinct word, and for each token its word."""
    attrs = _attributes(docs)
    tokens, inverse = _distinct_words(attrs)
    return _features(model, docs, attrs, tokens), inverse


def plain_vectors(model, docs):
    """The vectors of all tokens, straight from the layers of an embedding without static vectors."""
    features, inverse = word_features(model, docs)
    return numpy.asarray(model.layers[0].predict(features)[inverse])
