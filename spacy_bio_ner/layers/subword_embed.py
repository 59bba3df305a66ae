"""Token vectors from a word's form alone: the word itself, its shape, its beginnings and its endings, and what vectors
trained on other texts say of it.

Names of substances, diseases or places that were never seen still begin and end like ones that were. What
a vector depends on does not depend on context, so each distinct word of a batch is embedded once, and at prediction
those of recent batches not again (see word_cache.py).
"""

from functools import lru_cache
from itertools import accumulate
from typing import Callable, List, Optional, Tuple

import numpy
from spacy.attrs import NORM, ORTH, SHAPE
from spacy.strings import get_string_id, hash_string  # type: ignore[attr-defined]
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vectors import Mode
from thinc.api import HashEmbed, Maxout, Model, chain, concatenate
from thinc.types import Floats2d

from .blas import use_numpy_blas
from .word_cache import WordCache
from .words import TokenVectors

_WORD_START, _WORD_END = "\x02", "\x03"


@registry.architectures("spacy_bio_ner.SubwordEmbed.v1")
def SubwordEmbed_v1(
    width: int, rows: int, table_width: int, prefixes: List[int], suffixes: List[int]
) -> Model[List[Doc], List[Floats2d]]:
    """The same as SubwordEmbed.v2 without static vectors."""
    return SubwordEmbed(width, rows, table_width, prefixes, suffixes, include_static_vectors=False)


@registry.architectures("spacy_bio_ner.SubwordEmbed.v2")
def SubwordEmbed(
    width: int,
    rows: int,
    table_width: int,
    prefixes: List[int],
    suffixes: List[int],
    include_static_vectors: bool = False,
) -> Model[List[Doc], List[Floats2d]]:
    """Embed each token by its norm, its shape and its prefixes and suffixes of several lengths, all in
    lower case and marked at the word's edge. Each has a hash embedding (Svenstrup et al. 2017); a maxout
    layer with layer normalization mixes them, and another one the result with the static vector. During training whole
    words are dropped out at the rate of training.dropout, static vectors with them, so that the encoder learns to tell
    an entity from its context too.

    width (int): The output width.
    rows (int): The number of rows of each hash embedding's table.
    table_width (int): The width of each table.
    prefixes (List[int]): The lengths of the prefixes, in characters.
    suffixes (List[int]): The lengths of the suffixes, in characters.
    include_static_vectors (bool): Whether to use the vectors of the pipeline's vocabulary (initialize.vectors). A word
        is looked up as it is written and, if it is not there, in lower case; vectors of the floret mode have all.
    RETURNS (Model[List[Doc], List[Floats2d]]): Maps each doc to an array of shape (tokens, width).
    RAISES (ValueError): In initialize, if there are no static vectors to include.
    """
    n_features = 2 + len(prefixes) + len(suffixes)
    tables = [HashEmbed(table_width, rows, column=i, seed=i, dropout=0.0) for i in range(n_features)]
    mix = Maxout(width, table_width * n_features, nP=3, dropout=0.0, normalize=True)
    layers = [chain(concatenate(*tables), mix)]
    if include_static_vectors:
        layers.append(Maxout(width, nP=3, dropout=0.0, normalize=True))
    model: Model[List[Doc], List[Floats2d]] = Model(
        "subword_embed",
        forward,
        init=init,
        dims={"nO": width},
        layers=layers,
        attrs={
            "prefixes": list(prefixes),
            "suffixes": list(suffixes),
            "include_static_vectors": include_static_vectors,
            "dropout_rate": 0.0,
            "cache": WordCache(),
        },
    )
    return use_numpy_blas(model)


def init(
    model: Model[List[Doc], List[Floats2d]], X: Optional[List[Doc]] = None, Y: Optional[List[Floats2d]] = None
) -> None:
    subwords, *join = model.layers
    if X is None:
        subwords.initialize()
        return
    attrs = _attributes(X)
    tokens, _ = _distinct_words(attrs)
    features = model.ops.asarray(_features(model, X, attrs, tokens))
    subwords.initialize(X=features)
    if join:
        if not X[0].vocab.vectors.shape[1]:
            raise ValueError(
                "The embedding is to include static vectors, but the pipeline has none: set initialize.vectors (in the "
                "project's configs paths.vectors) to a table that 'spacy init vectors' made."
            )
        join[0].initialize(X=_join_input(model, X, attrs, tokens, subwords.predict(features)))


def forward(
    model: Model[List[Doc], List[Floats2d]], docs: List[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable]:
    ops, cache = model.ops, model.attrs["cache"]
    bounds = list(accumulate(map(len, docs), initial=0))
    attrs = _attributes(docs)
    if not is_train:
        embed = lambda tokens: _embed(model, docs, attrs, tokens, is_train=False)[0]  # noqa: E731
        words, rows = cache.lookup(ops, _keys(attrs), _weights(model, docs), embed)
        return TokenVectors(words, ops.asarray1i(rows), bounds, is_table=True), lambda d_docs: []
    cache.clear()
    tokens, word_of_token = _distinct_words(attrs)
    vectors, backprop_vectors = _embed(model, docs, attrs, tokens, is_train)
    inverse = ops.asarray(word_of_token)
    mask = ops.get_dropout_mask((len(inverse), 1), model.attrs["dropout_rate"])
    embedded = vectors[inverse] * mask

    def backprop(d_docs: List[Floats2d]) -> List[Doc]:
        d_vectors = ops.alloc2f(*vectors.shape)
        ops.scatter_add(d_vectors, inverse, ops.flatten(d_docs) * mask)
        backprop_vectors(d_vectors)
        return []

    return [embedded[start:end] for start, end in zip(bounds, bounds[1:])], backprop


def _embed(
    model: Model, docs: List[Doc], attrs: numpy.ndarray, tokens: numpy.ndarray, is_train: bool
) -> Tuple[Floats2d, Callable]:
    """Embed some tokens, each a distinct word."""
    subwords, *join = model.layers
    vectors, backprop_subwords = subwords(model.ops.asarray(_features(model, docs, attrs, tokens)), is_train)
    if not join:
        return vectors, backprop_subwords
    joined, backprop_join = join[0](_join_input(model, docs, attrs, tokens, vectors), is_train)

    def backprop(d_joined: Floats2d) -> Floats2d:
        return backprop_subwords(model.ops.as_contig(backprop_join(d_joined)[:, : vectors.shape[1]]))

    return joined, backprop


def _join_input(
    model: Model, docs: List[Doc], attrs: numpy.ndarray, tokens: numpy.ndarray, vectors: Floats2d
) -> Floats2d:
    """RETURNS (Floats2d): The vectors of words beside their static vectors, which are zero for those without one."""
    ops, table, words = model.ops, docs[0].vocab.vectors, _strings(docs, attrs, tokens)
    if table.mode == Mode.floret:
        static = ops.asarray2f(table.get_batch(words))
    else:
        rows = table.find(keys=[get_string_id(word) for word in words])
        lower = table.find(keys=[get_string_id(word.lower()) for word in words])
        rows = ops.asarray(numpy.where(rows < 0, lower, rows))
        static = ops.asarray2f(table.data)[rows] * (rows >= 0)[:, None]
    return ops.xp.hstack([vectors, static])


def _weights(model: Model, docs: List[Doc]) -> List:
    """RETURNS (List): All arrays that vectors depend on. They are collected by hand, since walking through all nodes
    takes longer than embedding a short text."""
    tables, mix = model.layers[0].layers
    nodes = [*(table.layers[1] for table in tables.layers), *mix.walk()]
    for join in model.layers[1:]:
        nodes += join.walk()
    weights = [node.get_param(name) for node in nodes for name in node.param_names]
    return [*weights, docs[0].vocab.vectors.data] if len(model.layers) > 1 else weights


def _distinct_words(attrs: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """RETURNS (Tuple[ndarray, ndarray]): For each distinct word the first token that is it, int64 of shape (words,),
    and for each token of all docs its word, int32 of shape (tokens,)."""
    _, first, inverse = numpy.unique(_keys(attrs), return_index=True, return_inverse=True)
    return first, inverse.astype("int32")


def _attributes(docs: List[Doc]) -> numpy.ndarray:
    """RETURNS (ndarray): What each token's vector depends on, uint64 of shape (tokens, 3): its form, its norm, which a
    token can have of its own, and its shape."""
    return numpy.concatenate([doc.to_array([ORTH, NORM, SHAPE]) for doc in docs])


def _keys(attrs: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): One hash for the attributes of each token, uint64 of shape (tokens,)."""
    return attrs[:, 0] + 3 * attrs[:, 1] + 5 * attrs[:, 2]


def _features(model: Model, docs: List[Doc], attrs: numpy.ndarray, tokens: numpy.ndarray) -> numpy.ndarray:
    """RETURNS (ndarray): The features of some tokens, uint64 of shape (words, features)."""
    prefixes, suffixes = tuple(model.attrs["prefixes"]), tuple(model.attrs["suffixes"])
    words = _strings(docs, attrs, tokens)
    affixes = numpy.array([_affixes(word, prefixes, suffixes) for word in words], dtype="uint64")
    return numpy.hstack([attrs[tokens, 1:], affixes.reshape(len(tokens), len(prefixes) + len(suffixes))])


def _strings(docs: List[Doc], attrs: numpy.ndarray, tokens: numpy.ndarray) -> List[str]:
    """RETURNS (List[str]): The words of some tokens, counted through all docs. Each doc has strings of its own:
    pipelines are given docs of several vocabularies too."""
    of_doc = numpy.searchsorted(numpy.cumsum([len(doc) for doc in docs]), tokens, side="right")
    return [docs[i].vocab.strings[word] for i, word in zip(of_doc.tolist(), attrs[tokens, 0].tolist())]


@lru_cache(maxsize=2**16)
def _affixes(word: str, prefixes: Tuple[int, ...], suffixes: Tuple[int, ...]) -> List[int]:
    marked = _WORD_START + word.lower() + _WORD_END
    return [hash_string(marked[: n + 1]) for n in prefixes] + [hash_string(marked[-n - 1 :]) for n in suffixes]
