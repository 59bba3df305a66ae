"""The vectors of words met before, so that prediction need not embed them again."""

import threading
from itertools import repeat
from typing import Callable, Dict, List, Optional, Tuple

import numpy
from thinc.api import Ops
from thinc.types import Floats2d, FloatsXd

# The number of words that are kept: when they get more, the table starts again from the words of the batch.
CAPACITY = 2**15
# Parameters of at most this size are compared by value.
SMALL = 2**10
# Fewer words than this are embedded more than once: BLAS multiplies a matrix of very few rows in another way, which
# rounds differently, and a word's vector should not depend on how many others were new with it.
FEW = 8


class WordCache(threading.local):
    """A table of word vectors, found by a hash of all that a word's vector depends on but the weights. It holds
    neither strings nor lexemes, so that it outlives a memory zone. Every thread has its own, and it is not copied,
    pickled or serialized: whatever is made from a model starts with an empty one.
    """

    def __init__(self) -> None:
        self.clear()

    def __reduce__(self) -> Tuple:
        return WordCache, ()

    def __len__(self) -> int:
        """RETURNS (int): The number of words in it."""
        return len(self._rows)

    def clear(self) -> None:
        """Forget all words."""
        self._rows: Dict[int, int] = {}
        self._table: Optional[Floats2d] = None
        self._weights: List[FloatsXd] = []
        self._values: List[FloatsXd] = []

    def vectors(
        self,
        ops: Ops,
        keys: numpy.ndarray,
        weights: List[FloatsXd],
        embed: Callable[[numpy.ndarray], Floats2d],
    ) -> Floats2d:
        """Look up vectors, and first embed the words that are not there or were embedded with other weights.

        ops (Ops): Where the vectors are kept.
        keys (ndarray): The hash of each token, uint64 of shape (tokens,).
        weights (List[FloatsXd]): The parameters that the vectors depend on.
        embed (Callable[[ndarray], Floats2d]): Embeds the tokens with the given indices.
        RETURNS (Floats2d): The vectors, of shape (tokens, width).
        """
        if not self._is_current(weights):
            self.clear()
            self._weights = weights
            self._values = [array.copy() for array in weights if array.size <= SMALL]
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
        return self._table[ops.asarray(rows)]

    def _find(self, keys: numpy.ndarray) -> numpy.ndarray:
        return numpy.fromiter(map(self._rows.get, keys.tolist(), repeat(-1)), dtype="int64", count=len(keys))

    def _is_current(self, weights: List[FloatsXd]) -> bool:
        """Optimizers change arrays in place, and everything else that changes weights sets other ones. Comparing the
        biases by value is enough for the former: no step moves a table or a matrix and leaves all biases as they were.
        """
        if len(weights) != len(self._weights) or any(a is not b for a, b in zip(weights, self._weights)):
            return False
        small = (array for array in weights if array.size <= SMALL)
        return all((array == value).all() for array, value in zip(small, self._values))
