"""The order in which a batch of sequences of different lengths is computed step by step, without padding."""

from typing import List

import numpy
from thinc.api import Ops
from thinc.types import Ints1d


class Packing:
    """Sequences sorted by falling length and stored step by step: first the first token of each, then the
    second token of each that has one, and so on. The sequences still running at a step are then always
    the first rows of the step before, and every step is one contiguous slice of rows.

    steps (List[slice]): The rows of each step.
    sizes (List[int]): The number of rows of each step, falling.
    forward (Ints1d): For each row the token it stands for, as an index into the concatenated batch.
    backward (Ints1d): The same when each sequence is read from its end.
    previous (Ints1d): For each row after the first step, the row of the same sequence one step before.
    sequences (Ints1d): For each row of the first step, the index of its sequence in the batch.
    """

    def __init__(self, ops: Ops, lengths: Ints1d):
        """ops (Ops): Where the index arrays are put.
        lengths (Ints1d): The number of tokens of each sequence. Zeros are fine: they take no row.
        """
        lengths = ops.to_numpy(lengths).astype("int64")
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
        self.forward = ops.xp.asarray(starts[rank] + step)
        self.backward = ops.xp.asarray((starts + running)[rank] - 1 - step)
        later = slice(self.sizes[0] if n_steps else 0, None)
        self.previous = ops.xp.asarray(offsets[step[later] - 1] + rank[later])
        self.sequences = ops.xp.asarray(order)
