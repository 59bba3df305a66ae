"""Token vectors from a word's form alone: the word itself, its shape, its beginnings and its endings.

Names of substances, diseases or places that were never seen still begin and end like ones that were. What
a vector depends on does not depend on context, so each distinct word of a batch is embedded once, and at prediction
those of recent batches not again (see word_cache.py).
"""

from functools import lru_cache
from typing import Callable, List, Optional, Tuple

import numpy
from spacy.attrs import NORM, ORTH, SHAPE
from spacy.strings import hash_string
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import HashEmbed, Maxout, Model, chain, concatenate
from thinc.types import Floats2d

from .blas import use_numpy_blas
from .word_cache import WordCache

_WORD_START, _WORD_END = "\x02", "\x03"


@registry.architectures("spacy_bio_ner.SubwordEmbed.v1")
def SubwordEmbed(
    width: int, rows: int, table_width: int, prefixes: List[int], suffixes: List[int]
) -> Model[List[Doc], List[Floats2d]]:
    """Embed each token by its norm, its shape and its prefixes and suffixes of several lengths, all in
    lower case and marked at the word's edge. Each has a hash embedding (Svenstrup et al. 2017); a maxout
    layer with layer normalization mixes them. During training whole words are dropped out at the rate of
    training.dropout, so that the encoder learns to tell an entity from its context too.

    width (int): The output width.
    rows (int): The number of rows of each hash embedding's table.
    table_width (int): The width of each table.
    prefixes (List[int]): The lengths of the prefixes, in characters.
    suffixes (List[int]): The lengths of the suffixes, in characters.
    RETURNS (Model[List[Doc], List[Floats2d]]): Maps each doc to an array of shape (tokens, width).
    """
    n_features = 2 + len(prefixes) + len(suffixes)
    tables = [HashEmbed(table_width, rows, column=i, seed=i, dropout=0.0) for i in range(n_features)]
    mix = Maxout(width, table_width * n_features, nP=3, dropout=0.0, normalize=True)
    model = Model(
        "subword_embed",
        forward,
        init=init,
        dims={"nO": width},
        layers=[chain(concatenate(*tables), mix)],
        attrs={"prefixes": list(prefixes), "suffixes": list(suffixes), "dropout_rate": 0.0, "cache": WordCache()},
    )
    return use_numpy_blas(model)


def init(
    model: Model[List[Doc], List[Floats2d]], X: Optional[List[Doc]] = None, Y: Optional[List[Floats2d]] = None
) -> None:
    features = None if X is None else model.ops.asarray(_distinct_words(model, X)[0])
    model.layers[0].initialize(X=features)


def forward(
    model: Model[List[Doc], List[Floats2d]], docs: List[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable]:
    ops, cache = model.ops, model.attrs["cache"]
    bounds = numpy.cumsum([0] + [len(doc) for doc in docs]).tolist()
    if not is_train:
        attrs = _attributes(docs)
        tables, mix = model.layers[0].layers
        nodes = [*(table.layers[1] for table in tables.layers), *mix.walk()]
        weights = [node.get_param(name) for node in nodes for name in node.param_names]
        embed = lambda tokens: model.layers[0].predict(ops.asarray(_features(model, docs, attrs[tokens])))  # noqa: E731
        return _by_doc(cache.vectors(ops, _keys(attrs), weights, embed), bounds), lambda d_docs: []
    cache.clear()
    features, inverse = _distinct_words(model, docs)
    vectors, backprop_vectors = model.layers[0](ops.asarray(features), is_train)
    inverse = ops.asarray(inverse)
    mask = ops.get_dropout_mask((len(inverse), 1), model.attrs["dropout_rate"])
    tokens = vectors[inverse] * mask

    def backprop(d_docs: List[Floats2d]) -> List[Doc]:
        d_vectors = ops.alloc2f(*vectors.shape)
        ops.scatter_add(d_vectors, inverse, ops.flatten(d_docs) * mask)
        backprop_vectors(d_vectors)
        return []

    return _by_doc(tokens, bounds), backprop


def _by_doc(tokens: Floats2d, bounds: List[int]) -> List[Floats2d]:
    """RETURNS (List[Floats2d]): The vectors of each doc."""
    return [tokens[start:end] for start, end in zip(bounds, bounds[1:])]


def _distinct_words(model: Model, docs: List[Doc]) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """RETURNS (Tuple[ndarray, ndarray]): The features of each distinct word, uint64 of shape (words,
    features), and for each token of all docs its word, int32 of shape (tokens,)."""
    attrs = _attributes(docs)
    _, first, inverse = numpy.unique(_keys(attrs), return_index=True, return_inverse=True)
    return _features(model, docs, attrs[first]), inverse.astype("int32")


def _attributes(docs: List[Doc]) -> numpy.ndarray:
    """RETURNS (ndarray): What each token's vector depends on, uint64 of shape (tokens, 3): its form, its norm, which a
    token can have of its own, and its shape."""
    return numpy.concatenate([doc.to_array([ORTH, NORM, SHAPE]) for doc in docs])


def _keys(attrs: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): One hash for the attributes of each token, uint64 of shape (tokens,)."""
    return attrs[:, 0] + 3 * attrs[:, 1] + 5 * attrs[:, 2]


def _features(model: Model, docs: List[Doc], words: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): The features of words with given attributes, uint64 of shape (words, features)."""
    prefixes, suffixes = tuple(model.attrs["prefixes"]), tuple(model.attrs["suffixes"])
    strings = docs[0].vocab.strings
    affixes = [_affixes(strings[orth], prefixes, suffixes) for orth in words[:, 0].tolist()]
    affixes = numpy.array(affixes, dtype="uint64").reshape(len(words), len(prefixes) + len(suffixes))
    return numpy.hstack([words[:, 1:], affixes])


@lru_cache(maxsize=2**16)
def _affixes(word: str, prefixes: Tuple[int, ...], suffixes: Tuple[int, ...]) -> List[int]:
    marked = _WORD_START + word.lower() + _WORD_END
    return [hash_string(marked[: n + 1]) for n in prefixes] + [hash_string(marked[-n - 1 :]) for n in suffixes]
