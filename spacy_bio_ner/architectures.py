"""What a config can name: the tagger's model and its encoders."""

from typing import Any, Dict, List, Optional

from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import Dropout, Linear, Model, Ops, chain, clone, list2ragged, ragged2list, with_array
from thinc.types import Floats1d, Floats2d, Shape

from .crf.bio import O
from .crf.potentials import CRF, Potentials
from .layers.bilstm import BiLSTM
from .layers.blas import use_numpy_blas

# A tag added to a trained model starts out this many nats behind one scored 0, so that a label nobody has
# yet shown the model does not turn up in its predictions.
UNSEEN_TAG_SCORE = -4.0
# What O is ahead of the other tags in nats before anything is learned, so that an untrained model finds nothing.
OUTSIDE_SCORE = 2.0


@registry.architectures("spacy_bio_ner.BioTagger.v1")
def BioTagger(tok2vec: Model[List[Doc], List[Floats2d]], nO: Optional[int] = None) -> Model[List[Doc], Potentials]:
    """Build a BIO tagger: token vectors, one score per tag for each token, and a linear-chain CRF.

    tok2vec (Model[List[Doc], List[Floats2d]]): The token-to-vector subnetwork, or a listener to one.
    nO (Optional[int]): The number of tags. Inferred from the labels if None.
    RETURNS (Model[List[Doc], Potentials]): The model. Its references "tok2vec", "emission" and "crf" name
        its parts, and attrs["resize_output"] sets the number of tags.
    """
    emission, crf = Linear(nO, init_b=favour_outside), CRF(nO)
    model = chain(tok2vec, list2ragged(), Dropout(), with_array(emission), crf)
    model.set_ref("tok2vec", tok2vec)
    model.set_ref("emission", emission)
    model.set_ref("crf", crf)
    model.attrs["resize_output"] = resize_output
    return use_numpy_blas(model)


def favour_outside(ops: Ops, shape: Shape) -> Floats1d:
    """RETURNS (Floats1d): The scores that tags begin with, whatever the token is."""
    scores = ops.alloc1f(*shape)
    scores[O] = OUTSIDE_SCORE
    return scores


def resize_output(model: Model[List[Doc], Potentials], nO: int) -> None:
    """Give a tagger a number of tags. A trained one keeps its weights, and tags that it had not are improbable.

    model (Model[List[Doc], Potentials]): A model built by BioTagger.
    nO (int): The number of tags, at least as many as it has.
    """
    for name, fill in (("emission", {"b": UNSEEN_TAG_SCORE}), ("crf", {})):
        old = model.get_ref(name)
        if old.has_param(old.param_names[0]):
            # A new node and not the old one with larger arrays: optimizers keep their state by node.
            new = Linear(nO, old.get_dim("nI"), init_b=favour_outside) if name == "emission" else CRF(nO)
            new.ops = old.ops
            new.initialize()
            for param in old.param_names:
                smaller, larger = old.get_param(param), new.get_param(param)
                larger.fill(fill.get(param, 0.0))
                larger[tuple(slice(n) for n in smaller.shape)] = smaller
            model.replace_node(old, new)
        else:
            old.set_dim("nO", nO, force=True)
    # The layers around them have noted the number too.
    for node in (model, *model.layers):
        if node.has_dim("nO") and model.get_ref("emission") in list(node.walk()):
            node.set_dim("nO", nO, force=True)


@registry.architectures("spacy_bio_ner.BiLSTMEncoder.v1")
def BiLSTMEncoder(width: int, depth: int) -> Model[List[Floats2d], List[Floats2d]]:
    """Encode context with a stack of bidirectional LSTM layers. A sequence's result does not depend on its
    neighbours in the batch. During training the input of each layer is dropped out at the rate of
    training.dropout.

    width (int): The output width, half of it for each direction; even.
    depth (int): The number of layers.
    RETURNS (Model[List[Floats2d], List[Floats2d]]): The encoder.
    """
    model = chain(list2ragged(), clone(chain(Dropout(), BiLSTM(width)), depth), ragged2list())
    model.set_dim("nO", width)
    return use_numpy_blas(model)


@registry.architectures("spacy_bio_ner.TransformerEncoder.v1")
def TransformerEncoder(
    name: str,
    window: int,
    stride: int,
    mixed_precision: bool,
    tokenizer_config: Dict[str, Any],
    transformer_config: Dict[str, Any],
) -> Model[List[Doc], List[Floats2d]]:
    """Embed tokens with a pretrained transformer: a token's vector is the mean of its word pieces' vectors, or zero
    if it has none, as white space. Documents of more pieces than a window are read in overlapping windows, and each
    piece is taken from the window in which it is farther from the edge. During training whole tokens are masked at the
    rate of training.dropout, so that context is learned too; the transformer has dropout of its own. Needs the extra
    "transformers".

    name (str): The transformer to start from: a folder, or a name on the hub. Not read again after training.
    window (int): The longest stretch that is encoded at once, in word pieces, special ones included.
    stride (int): The number of pieces from the start of a window to the start of the next.
    mixed_precision (bool): Multiply matrices in bfloat16 where the device can (a CPU with AVX512-BF16 or AMX, a GPU
        since Ampere), in training and at prediction. Weights, sums, norms and the vectors stay float32. Rounding
        depends on the shape of a batch, so vectors then depend a little on the other docs.
    tokenizer_config (Dict[str, Any]): Settings for the tokenizer, such as {"add_prefix_space": true} for RoBERTa.
    transformer_config (Dict[str, Any]): Settings for the transformer, such as {"hidden_dropout_prob": 0.2}.
    RETURNS (Model[List[Doc], List[Floats2d]]): Maps each doc to an array of shape (tokens, width), float32.
    RAISES (ImportError): If the extra is not installed.
    RAISES (ValueError): If the windows leave gaps. In initialize: if the transformer cannot be loaded, has no fast
        tokenizer, or cannot read as many pieces as a window has.
    """
    # Not at the top, since spaCy imports all that is registered when it lists what there is.
    from .layers.transformer import transformer_encoder

    return transformer_encoder(name, window, stride, mixed_precision, tokenizer_config, transformer_config)
