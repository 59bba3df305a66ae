"""Token vectors from a pretrained transformer, in one layer: word pieces, windows, encoder, and back to tokens.

It takes the place of spacy-transformers' own architecture of this form and uses that package's loading and
serialization. Nothing is written to the Docs, so nothing has to be cleaned from them, and a second pass over a Doc
sees what the first one saw.
"""

import os
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d

try:
    import torch
    from spacy_transformers.data_classes import HFObjects
    from spacy_transformers.layers.hf_shim import HFShim
    from spacy_transformers.layers.transformer_model import huggingface_from_pretrained
    from torch.utils.checkpoint import checkpoint
except ImportError as err:
    raise ImportError(
        f"A transformer needs packages that are not installed ({err}): pip install 'spacy-bio-ner[transformers]'"
    ) from err

# The encoder gets at most this many word pieces at once, padding included. On a CPU more is slower, since it leaves the
# cache, where a GPU wants to be filled.
MAX_PADDED_PIECES = {"cpu": 1500, "cuda": 16_000}
# Training keeps about 1 MB a piece for the gradient. For more pieces than this it keeps none of it, and computes each
# batch of windows again on the way back, which takes a third more time.
MAX_KEPT_PIECES = 8192
# Where this module was imported. In a process that was forked from it torch's threads and tokenizers' are gone.
_PROCESS = os.getpid()

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")


class Window(NamedTuple):
    """A stretch of a document's word pieces that the encoder sees at once. Windows overlap, but each piece is taken
    from one of them.

    ids (List[int]): The word pieces, with the special ones around them.
    first (int): Index in ids of the first piece that is taken from this window.
    tokens (ndarray): For each piece that is taken its token, counted through all docs, int64.
    """

    ids: List[int]
    first: int
    tokens: numpy.ndarray


def transformer_encoder(
    name: str,
    window: int,
    stride: int,
    mixed_precision: bool,
    tokenizer_config: Dict[str, Any],
    transformer_config: Dict[str, Any],
) -> Model[List[Doc], List[Floats2d]]:
    """Build the layer: see spacy_bio_ner.TransformerEncoder.v1."""
    if not 0 < stride <= window - 2:
        raise ValueError(f"stride must be from 1 to window - 2, for no piece to be left out: got {stride} and {window}")
    untrained = HFObjects(None, None, None, dict(tokenizer_config), dict(transformer_config))
    return Model(
        "transformer_encoder",
        # Arguments and not attributes, which would be read back from a saved pipeline: the precision is a matter of
        # the machine, and can be overridden when a pipeline is loaded.
        partial(forward, mixed_precision=mixed_precision),
        init=partial(init, name=name),
        dims={"nO": None},
        attrs={"window": window, "stride": stride, "dropout_rate": 0.0},
        # Gradients are scaled for float16 only: bfloat16 has the range of float32.
        shims=[HFShim(untrained, grad_scaler_config={"enabled": False})],
    )


def init(
    model: Model[List[Doc], List[Floats2d]],
    X: Optional[List[Doc]] = None,
    Y: Optional[List[Floats2d]] = None,
    *,
    name: str,
) -> None:
    shim: Any
    [shim] = model.shims
    if shim._model is not None:
        return
    loaded = load_pretrained(name, shim._hfmodel._init_tokenizer_config, shim._hfmodel._init_transformer_config)
    # What the tokenizer gives is bounded by how it was made, what the transformer takes by its table of positions.
    longest = min(loaded.tokenizer.model_max_length, loaded.transformer.config.max_position_embeddings)
    if model.attrs["window"] > longest:
        raise ValueError(f"The transformer '{name}' reads {longest} pieces at most: window is {model.attrs['window']}")
    shim._hfmodel, shim._model = loaded, loaded.transformer
    model.set_dim("nO", loaded.transformer.config.hidden_size)


def load_pretrained(name: str, tokenizer_config: Dict[str, Any], transformer_config: Dict[str, Any]) -> HFObjects:
    """Load a transformer and its tokenizer, as spacy-transformers does, with errors that say what to do.

    name (str): A folder, or a name on the hub.
    tokenizer_config (Dict[str, Any]): Settings for the tokenizer.
    transformer_config (Dict[str, Any]): Settings for the transformer.
    RETURNS (HFObjects): Both.
    RAISES (ValueError): If they cannot be loaded, or the tokenizer is not a fast one.
    """
    source: Union[str, Path]
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ValueError(f"The folder '{name}' holds no transformer: it has no config.json")
        if not any((folder / file).is_file() for file in TOKENIZER_FILES):
            raise ValueError(f"The folder '{name}' holds no tokenizer: it has none of {', '.join(TOKENIZER_FILES)}")
        source, hint = folder, "Check the files in that folder."
    else:
        source, hint = name, "There is no such folder, and it cannot be had from the hub: see scripts/get_encoder.py."
    try:
        loaded = huggingface_from_pretrained(source, tokenizer_config, transformer_config)
    except (OSError, ValueError) as err:
        raise ValueError(f"Can't load the transformer '{name}'. {hint}\n{err}") from err
    if not loaded.tokenizer.is_fast:
        raise ValueError(f"The tokenizer of '{name}' is not a fast one, so its pieces cannot be told apart by token")
    return loaded


def forward(
    model: Model[List[Doc], List[Floats2d]], docs: List[Doc], is_train: bool, *, mixed_precision: bool
) -> Tuple[List[Floats2d], Callable]:
    if os.getpid() != _PROCESS:
        torch.set_num_threads(1)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    shim: Any
    [shim] = model.shims
    encoder, tokenizer, device = shim._model, shim._hfmodel.tokenizer, shim.device
    lengths = [len(doc) for doc in docs]
    masked = numpy.zeros(sum(lengths), dtype=bool)
    if is_train and model.attrs["dropout_rate"]:
        masked = numpy.random.uniform(size=sum(lengths)) < model.attrs["dropout_rate"]
    windows = split_into_windows(tokenizer, docs, masked, model.attrs["window"], model.attrs["stride"])
    encoder.train(is_train)
    vectors = torch.zeros((sum(lengths), model.get_dim("nO")), device=device)
    n_pieces = torch.zeros((sum(lengths), 1), device=device)
    encode = encoder
    if is_train and sum(len(window.ids) for window in windows) > MAX_KEPT_PIECES:
        encode = partial(checkpoint, encoder, use_reentrant=False)
    for batch in batch_by_length(windows, MAX_PADDED_PIECES[device.type]):
        ids, mask, rows, columns, tokens = (torch.from_numpy(array).to(device) for array in pad(batch, tokenizer))
        with (
            torch.set_grad_enabled(is_train),
            torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision and has_bfloat16(device)),
        ):
            pieces = encode(input_ids=ids, attention_mask=mask).last_hidden_state[rows, columns]
            vectors.index_add_(0, tokens, pieces.float())
        n_pieces.index_add_(0, tokens, torch.ones((len(tokens), 1), device=device))
    vectors = vectors / n_pieces.clamp(min=1)

    def backprop(d_docs: List[Floats2d]) -> List[Doc]:
        if windows:
            vectors.backward(xp2torch(model.ops.flatten(d_docs), device=device))
        return []

    return model.ops.unflatten(torch2xp(vectors.detach()), model.ops.asarray1i(lengths)), backprop


def split_into_windows(tokenizer: Any, docs: List[Doc], masked: numpy.ndarray, size: int, stride: int) -> List[Window]:
    """Split documents into word pieces, token by token, and these into windows.

    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    docs (List[Doc]): The documents.
    masked (ndarray): Which tokens of all docs are hidden behind mask pieces, bool. Unknown pieces always are.
    size (int): The length of a window in pieces, special ones included.
    stride (int): The number of pieces from the start of a window to the start of the next.
    RETURNS (List[Window]): The windows of all documents.
    """
    before, after = special_pieces(tokenizer)
    mask_id = tokenizer.unk_token_id if tokenizer.mask_token_id is None else tokenizer.mask_token_id
    size -= len(before) + len(after)
    windows = []
    offset = 0
    words_of = [[token.text for token in doc] for doc in docs if len(doc)]
    if not words_of:
        return []
    encoded = tokenizer(words_of, is_split_into_words=True, add_special_tokens=False, verbose=False)
    for words, encoding in zip(words_of, encoded.encodings):
        tokens = numpy.array(encoding.word_ids, dtype="int64") + offset
        ids = numpy.array(encoding.ids, dtype="int64")
        # What is not in the vocabulary, such as emoji, may never have been seen in training; masked tokens were.
        ids = numpy.where(masked[tokens] | (ids == tokenizer.unk_token_id), mask_id, ids).tolist()
        offset += len(words)
        # In an overlap the first half is taken from the window before, the second from the window after.
        starts = range(0, max(len(ids) - size, 0) + stride, stride) if ids else ()
        cuts = [0] + [start + (size - stride) // 2 for start in starts[1:]] + [len(ids)]
        for start, first, last in zip(starts, cuts, cuts[1:]):
            pieces = before + ids[start : start + size] + after
            windows.append(Window(pieces, first - start + len(before), tokens[first:last]))
    return windows


def special_pieces(tokenizer: Any) -> Tuple[List[int], List[int]]:
    """RETURNS (Tuple[List[int], List[int]]): The pieces that a tokenizer puts before and after a sequence."""
    some_piece = tokenizer.pad_token_id
    pieces = tokenizer.build_inputs_with_special_tokens([some_piece])
    place = pieces.index(some_piece)
    return pieces[:place], pieces[place + 1 :]


def batch_by_length(windows: List[Window], size: int) -> Iterator[List[Window]]:
    """Sort windows by length, so that little is padded, and batch them.

    windows (List[Window]): The windows.
    size (int): The number of word pieces in a batch, padding included.
    YIELDS (List[Window]): Batches of at most that size, or of one window.
    """
    batch: List[Window] = []
    for window in sorted(windows, key=lambda window: len(window.ids)):
        if batch and len(window.ids) * (len(batch) + 1) > size:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pad(batch: List[Window], tokenizer: Any) -> Tuple[numpy.ndarray, ...]:
    """Lay out a batch of windows as the encoder reads it.

    batch (List[Window]): The windows.
    tokenizer (PreTrainedTokenizerFast): Knows the padding.
    RETURNS (Tuple[ndarray, ...]): The pieces and the attention mask, of shape (windows, longest); and for each piece
        that is taken its row, its column and the index of its token. All int64.
    """
    longest = max(len(window.ids) for window in batch)
    ids = numpy.full((len(batch), longest), tokenizer.pad_token_id, dtype="int64")
    mask = numpy.zeros_like(ids)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = window.ids
        mask[row, : len(window.ids)] = 1
    tokens = [window.tokens for window in batch]
    rows = numpy.repeat(numpy.arange(len(batch)), [len(array) for array in tokens])
    columns = numpy.concatenate([window.first + numpy.arange(len(window.tokens)) for window in batch])
    return ids, mask, rows, columns, numpy.concatenate(tokens)


@lru_cache(maxsize=None)
def has_bfloat16(device: torch.device) -> bool:
    """RETURNS (bool): Whether a device multiplies matrices in bfloat16 by itself, and so faster than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
