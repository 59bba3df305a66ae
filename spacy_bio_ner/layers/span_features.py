"""Spans that an earlier component has found, such as the matches of a dictionary, as a feature of the tokens.

They are evidence and no decision: training learns how far they can be trusted.
"""

from typing import Callable, List, Optional, Tuple

import numpy
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import Model, Ops
from thinc.types import Floats2d, Ints1d

from .words import TokenVectors

NAME = "span_features"
# A token of a span is its only one, the first, the last, or one between.
SINGLE, FIRST, LAST, INSIDE = range(4)
N_PLACES = 4


@registry.architectures("spacy_bio_ner.SpanFeatures.v1")
def SpanFeatures(
    embed: Model[List[Doc], List[Floats2d]], spans_key: str, labels: List[str]
) -> Model[List[Doc], List[Floats2d]]:
    """Add to each token's vector what the spans of a group say of it: for each label a vector of its own for the first,
    the last, the only or another token of a span. Spans may overlap, and their vectors are summed. During training
    whole spans are dropped out at the rate of training.dropout, so that the text is still read.

    embed (Model[List[Doc], List[Floats2d]]): The layer that makes the tokens' vectors.
    spans_key (str): The key of the span group. A component before this one writes it, and has to be one of
        training.annotating_components.
    labels (List[str]): The labels of spans to use. Those with others are ignored.
    RETURNS (Model[List[Doc], List[Floats2d]]): Maps each doc to an array of shape (tokens, width), with the width of
        embed.
    RAISES (ValueError): If there are no labels, or one is there twice. In training: if nobody has written that span
        group.
    """
    if not labels or len(set(labels)) < len(labels):
        raise ValueError(f"The labels of SpanFeatures are {labels!r}, but should be those of the spans, each once.")
    return Model(
        NAME,
        forward,
        init=init,
        dims={"nO": embed.get_dim("nO") if embed.has_dim("nO") else None},
        layers=[embed],
        params={"E": None},
        attrs={"spans_key": spans_key, "labels": list(labels), "dropout_rate": 0.0},
    )


def init(
    model: Model[List[Doc], List[Floats2d]], X: Optional[List[Doc]] = None, Y: Optional[List[Floats2d]] = None
) -> None:
    [embed] = model.layers
    embed.initialize(X=X)
    if not model.has_dim("nO"):
        model.set_dim("nO", embed.get_dim("nO"))
    shape = (N_PLACES * len(model.attrs["labels"]), model.get_dim("nO"))
    model.set_param("E", model.ops.asarray2f(numpy.random.normal(0.0, 1.0, shape).astype("float32")))


def forward(
    model: Model[List[Doc], List[Floats2d]], docs: List[Doc], is_train: bool
) -> Tuple[List[Floats2d], Callable]:
    [embed] = model.layers
    ops, E = model.ops, model.get_param("E")
    if is_train:
        check_spans(docs, model.attrs["spans_key"])
    tokens, rows = _features(model, docs, model.attrs["dropout_rate"] if is_train else 0.0)
    touched, index = numpy.unique(tokens, return_inverse=True)
    touched, index, rows = ops.asarray1i(touched), ops.asarray1i(index), ops.asarray1i(rows)
    vectors, backprop_vectors = embed(docs, is_train)
    added = ops.alloc2f(len(touched), E.shape[1])
    ops.scatter_add(added, index, E[rows])

    def backprop(d_docs: List[Floats2d]) -> List[Doc]:
        dE = ops.alloc2f(*E.shape)
        ops.scatter_add(dE, rows, ops.flatten(d_docs)[touched][index])
        model.inc_grad("E", dE)
        return backprop_vectors(d_docs)

    return _add(ops, vectors, touched, added), backprop


def check_spans(docs: List[Doc], key: str) -> None:
    """Check that the component that writes a span group has run. It is not checked when a model is initialized, which
    no component before it has a part in.

    docs (List[Doc]): The Docs.
    key (str): The key of the span group.
    RAISES (ValueError): If a Doc does not have it.
    """
    for doc in docs:
        if len(doc) and key not in doc.spans:
            raise ValueError(
                f"The Doc {doc.text[:40]!r} has no spans under the key {key!r}, not even an empty group, and the model "
                "uses these: the component that writes them has not run on it. It has to come before this one, and in "
                "training it has to be one of training.annotating_components."
            )


def _add(ops: Ops, vectors: List[Floats2d], tokens: Ints1d, added: Floats2d) -> List[Floats2d]:
    """RETURNS (List[Floats2d]): The vectors of each doc with something added to some tokens, counted through all docs.
    What is known as the vector of a word stays one, so that encoders still compute on each word once."""
    if not len(tokens):
        return vectors
    bounds = numpy.cumsum([0] + [len(array) for array in vectors]).tolist()
    if isinstance(vectors, TokenVectors):
        distinct, word_of_token = ops.xp.unique(vectors.rows, return_inverse=True)
        words = ops.xp.vstack([vectors.words[distinct], vectors.words[vectors.rows[tokens]] + added])
        word_of_token[tokens] = ops.xp.arange(len(distinct), len(words))
        return TokenVectors(words, word_of_token, bounds)
    flat = ops.flatten(vectors).copy()
    flat[tokens] += added
    return [flat[start:end] for start, end in zip(bounds, bounds[1:])]


def _features(model: Model, docs: List[Doc], dropout: float) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """RETURNS (Tuple[ndarray, ndarray]): For each token of each span the token, counted through all docs, and the row
    of what is added to it, int32 of shape (features,)."""
    key, labels = model.attrs["spans_key"], model.attrs["labels"]
    tokens: List[int] = []
    rows: List[int] = []
    offset = 0
    for doc in docs:
        for start, end, label in dict.fromkeys((s.start, s.end, s.label_) for s in doc.spans.get(key, ())):
            if label not in labels or (dropout and numpy.random.uniform() < dropout):
                continue
            places = [FIRST, *[INSIDE] * (end - start - 2), LAST] if end - start > 1 else [SINGLE]
            tokens.extend(range(offset + start, offset + end))
            rows.extend(N_PLACES * labels.index(label) + place for place in places)
        offset += len(doc)
    return numpy.array(tokens, dtype="int32"), numpy.array(rows, dtype="int32")
