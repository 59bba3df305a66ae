"""Token vectors that know which tokens are the same word, so that what depends on the word alone is computed once.

Every encoder can read them as a list of arrays, one for each doc. BiLSTMEncoder makes RaggedWords of them at
prediction, which hold the words only.
"""

from dataclasses import dataclass
from typing import Callable, List, Tuple, Union

from thinc.api import Model
from thinc.types import Floats2d, Ints1d, Ragged


class TokenVectors(list):
    """The vectors of each doc's tokens, a list of arrays of shape (tokens, width).

    words (Floats2d): The vectors of words, of shape (words, width), these and perhaps others.
    rows (Ints1d): For each token of all docs the row of its word, of shape (tokens,).
    is_table (bool): Whether words is a view of a table that lasts, to which only rows are added.
    """

    def __init__(self, words: Floats2d, rows: Ints1d, bounds: List[int], is_table: bool = False) -> None:
        """bounds (List[int]): The first token of each doc, and the end of the last."""
        tokens = words[rows]
        super().__init__(tokens[start:end] for start, end in zip(bounds, bounds[1:]))
        self.words = words
        self.rows = rows
        self.is_table = is_table


@dataclass
class RaggedWords:
    """What a Ragged of token vectors is, as the vectors of words.

    words (Floats2d): The vectors of words, of shape (words, width), these and perhaps others.
    rows (Ints1d): For each token of all docs the row of its word, of shape (tokens,).
    lengths (Ints1d): The number of tokens of each doc.
    is_table (bool): Whether words is a view of a table that lasts, to which only rows are added.
    """

    words: Floats2d
    rows: Ints1d
    lengths: Ints1d
    is_table: bool = False


def tokens2ragged() -> Model[List[Floats2d], Union[Ragged, RaggedWords]]:
    """Build a layer that does what thinc's list2ragged does and, at prediction, leaves TokenVectors as words."""
    return Model("tokens2ragged", forward)


def forward(
    model: Model[List[Floats2d], Union[Ragged, RaggedWords]], Xs: List[Floats2d], is_train: bool
) -> Tuple[Union[Ragged, RaggedWords], Callable]:
    lengths = model.ops.asarray1i([len(x) for x in Xs])
    if isinstance(Xs, TokenVectors) and not is_train:
        return RaggedWords(Xs.words, Xs.rows, lengths, Xs.is_table), lambda dY: []

    def backprop(dY: Ragged) -> List[Floats2d]:
        return model.ops.unflatten(dY.dataXd, lengths)

    return Ragged(model.ops.flatten(Xs), lengths), backprop
