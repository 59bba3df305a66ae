"""What comes with the Docs from components before this one: vectors of a tok2vec or transformer that components share,
and spans that are features.
"""

from typing import List

from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from thinc.api import Model

from .layers import span_features


def check_upstream(model: Model, docs: List[Doc], name: str) -> None:
    """Check that the components on which a model depends have run on the Docs. Where they have not, listeners take
    zeros for vectors, and what comes of these looks like a result.

    model (Model): The model.
    docs (List[Doc]): The Docs that it is to read.
    name (str): The name of its component, for messages.
    RAISES (ValueError): If a Doc has no vectors, or not the spans.
    """
    nodes = [model]  # what model.walk() gives, which takes ten times as long
    for node in nodes:
        nodes.extend(node.layers)
        if node.name == span_features.NAME:
            span_features.check_spans(docs, node.attrs["spans_key"])
        # The listeners of tok2vec, spacy-transformers and spacy-curated-transformers have this in common.
        upstream = getattr(node, "upstream_name", None)
        if upstream is None:
            continue
        has_vectors = _has_tensor if isinstance(node, Tok2VecListener) else _has_transformer_data
        for doc in docs:
            if len(doc) and not has_vectors(doc):
                which = "a component before it" if upstream == "*" else f"the component '{upstream}'"
                raise ValueError(
                    f"The component '{name}' reads vectors that {which} computes, and the Doc {doc.text[:40]!r} has "
                    "none. Either that component has not run on it, or a later one (doc_cleaner) has cleared them. "
                    "Make the Doc with the components before this one, such as: with nlp.select_pipes("
                    f"enable={('tok2vec' if upstream == '*' else upstream)!r}): doc = nlp(text)"
                )


def _has_tensor(doc: Doc) -> bool:
    return doc.tensor.size > 0


def _has_transformer_data(doc: Doc) -> bool:
    return doc.has_extension("trf_data") and doc._.trf_data is not None
