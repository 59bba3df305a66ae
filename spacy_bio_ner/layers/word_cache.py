"""The vectors of words met before, so that prediction need not embed them again."""

import threading
from itertools import repeat
from typing import Any, Callable, Dict, List, Tuple

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, FloatsXd

# The number of words that are kept. When there are more, the table starts again with those of the batch.
CAPACITY = 2**15
# Parameters of at most this size are compared by value.
SMALL = 2**14
# If fewer words than this are new, they are repeated up to this number. BLAS multiplies a matrix of very few rows in
# another way and rounds differently, but a word's vector should not depend on how many others were new with it.
FEW = 8


class WeightsCache(threading.local):
    """What was computed from weights, for as long as these are the same. Every thread has its own, and it is not
    copied, pickled or serialized: whatever is made from a model starts with an empty one.
    """

    def __init__(self) -> None:
        self.clear()

    def __reduce__(self) -> Tuple:
        return type(self), ()

    def clear(self) -> None:
        """Forget everything."""
        self._weights: List[FloatsXd] = []
        self._values: List[FloatsXd] = []

    def refresh(self, weights: List[FloatsXd]) -> bool:
        """Forget everything if the weights are not those of the last time. An optimizer changes arrays in place, and a
        step changes the biases too, so that it is enough to compare these by value. All else that changes weights sets
        other arrays.

        weights (List[FloatsXd]): The weights.
        RETURNS (bool): Whether they are others.
        """
        if len(weights) == len(self._weights) and all(a is b for a, b in zip(weights, self._weights)):
            small = (array for array in weights if array.size <= SMALL)
            if all((array == value).all() for array, value in zip(small, self._values)):
                return False
        self.clear()
        self._weights = weights
        self._values = [array.copy() for array in weights if array.size <= SMALL]
        return True


class WordCache(WeightsCache):
    """A table of word vectors, found by a hash of all that a word's vector depends on but the weights. It holds
    neither strings nor lexemes, so that it outlives a memory zone.
    """

    def __len__(self) -> int:
        """RETURNS (int): The number of words in it."""
        return len(self._rows)

    def clear(self) -> None:
        """Forget all words."""
        super().clear()
        self._rows: Dict[int, int] = {}
        self._table: Any = None

    def lookup(
        self,
        ops: Ops,
        keys: numpy.ndarray,
        weights: List[FloatsXd],
        embed: Callable[[numpy.ndarray], Floats2d],
    ) -> Tuple[Floats2d, numpy.ndarray]:
        """Look up words, and first embed those that are not there or were embedded with other weights.

        ops (Ops): Where the vectors are kept.
        keys (ndarray): The hash of each token, uint64 of shape (tokens,).
        weights (List[FloatsXd]): The parameters that the vectors depend on.
        embed (Callable[[ndarray], Floats2d]): Embeds the tokens with the given indices.
        RETURNS (Tuple[Floats2d, ndarray]): The vectors of all words that are known, of shape (words, width), a view of
            a table to which only rows are added, and for each token the row of its word, int64 of shape (tokens,).
        """
        self.refresh(weights)
        rows = self._find(keys)
        missing = numpy.flatnonzero(rows < 0)
        if len(missing) or self._table is None:
            new = missing[numpy.unique(keys[missing], return_index=True)[1]]
            if self._table is None or len(self._rows) + len(new) > len(self._table):
                self._rows = {}
                new = numpy.unique(keys, return_index=True)[1]
            vectors = embed(numpy.resize(new, FEW) if 0 < len(new) < FEW else new)[: len(new)]
            if not self._rows:
                self._table = ops.xp.empty((max(CAPACITY, len(new)), vectors.shape[1]), dtype=vectors.dtype)
            first, last = len(self._rows), len(self._rows) + len(new)
            self._table[first:last] = vectors
            self._rows.update(zip(keys[new].tolist(), range(first, last)))
            rows = self._find(keys)
        return self._table[: len(self._rows)], rows

    def _find(self, keys: numpy.ndarray) -> numpy.ndarray:
        return numpy.fromiter(map(self._rows.get, keys.tolist(), repeat(-1)), dtype="int64", count=len(keys))
