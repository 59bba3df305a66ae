"""The order in which a batch of sequences of different lengths is computed step by step, without padding."""

from functools import lru_cache
from typing import List

import numpy
from thinc.api import Ops
from thinc.types import Ints1d

# Rows that are computed at once where the steps are smaller: what belongs to them then stays in a processor's
# second-level cache.
BLOCK_ROWS = 256
# Tokens of a text whose packing is kept for the next one of its length.
SHORT = 64


def pack(ops: Ops, lengths: Ints1d) -> "Packing":
    """The packing of a batch. The layers of a model ask for the same one after another, so the last is kept, and those
    of short texts by themselves, which differ in length alone.

    ops (Ops): The ops of the model.
    lengths (Ints1d): The number of tokens of each sequence.
    RETURNS (Packing): The packing.
    """
    if len(lengths) == 1 and lengths[0] <= SHORT:
        return _pack_short(ops, int(lengths[0]))
    return _pack(ops, ops.to_numpy(lengths).astype("int64").tobytes())


@lru_cache(maxsize=SHORT)
def _pack_short(ops: Ops, length: int) -> "Packing":
    return Packing(ops, numpy.array([length]))


@lru_cache(maxsize=1)
def _pack(ops: Ops, lengths: bytes) -> "Packing":
    return Packing(ops, numpy.frombuffer(lengths, dtype="int64"))


class Packing:
    """Sequences sorted by falling length and stored step by step: first the first token of each, then the
    second token of each that has one, and so on. The sequences still running at a step are then always
    the first rows of the step before, and every step is one contiguous slice of rows.

    steps (List[slice]): The rows of each step.
    sizes (List[int]): The number of rows of each step, falling.
    blocks (List[slice]): The steps in runs of at least one step and, where steps are small, about BLOCK_ROWS rows.
    block_size (int): The number of rows of the largest block.
    orders (Ints2d): For each row the token it stands for, as an index into the concatenated batch, and the same when
        each sequence is read from its end. Of shape (2, rows).
    forward (Ints1d): The first of the two.
    places (Ints2d): For each token the row that stands for it in either order, of shape (tokens, 2).
    previous (Ints1d): For each row after the first step, the row of the same sequence one step before.
    last (Ints1d): The last row of each sequence, in no order.
    owners (Ints1d): For each row, the index of its sequence in the batch.
    """

    def __init__(self, ops: Ops, lengths: Ints1d):
        """ops (Ops): Where the index arrays are put.
        lengths (Ints1d): The number of tokens of each sequence. Zeros are fine: they take no row.
        """
        xp, lengths = ops.xp, ops.to_numpy(lengths).astype("int64")
        order = numpy.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        running = lengths[order]
        n_steps = int(running[0]) if len(running) else 0
        sizes = numpy.searchsorted(-running, -numpy.arange(n_steps), side="left")
        offsets = numpy.concatenate([[0], numpy.cumsum(sizes)])
        step = numpy.repeat(numpy.arange(n_steps), sizes)
        rank = numpy.arange(offsets[-1]) - offsets[step]
        starts = (numpy.cumsum(lengths) - lengths)[order]
        bounds = offsets.tolist()
        self.sizes: List[int] = sizes.tolist()
        self.steps: List[slice] = [slice(a, b) for a, b in zip(bounds, bounds[1:])]
        self.blocks = _blocks(offsets)
        self.block_size = max((bounds[block.stop] - bounds[block.start] for block in self.blocks), default=0)
        orders = numpy.stack([starts[rank] + step, (starts + running)[rank] - 1 - step])
        places = numpy.empty_like(orders)
        numpy.put_along_axis(places, orders, numpy.arange(len(rank))[None], axis=1)
        self.orders, self.places = xp.asarray(orders), xp.asarray(places.T)
        self.forward = self.orders[0]
        later = slice(self.sizes[0] if n_steps else 0, None)
        self.previous = xp.asarray(offsets[step[later] - 1] + rank[later])
        self.last = xp.asarray(offsets[running - 1] + numpy.arange(len(running)))
        self.owners = xp.asarray(order[rank])


def _blocks(offsets: numpy.ndarray) -> List[slice]:
    blocks, first = [], 0
    while first < len(offsets) - 1:
        last = int(numpy.searchsorted(offsets, offsets[first] + BLOCK_ROWS, side="right")) - 1
        blocks.append(slice(first, max(first + 1, last)))
        first = blocks[-1].stop
    return blocks
