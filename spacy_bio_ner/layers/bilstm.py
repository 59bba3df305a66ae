"""A bidirectional LSTM layer whose result for a sequence does not depend on the others in its batch.

Both directions advance together, each from its own end of the sequence, over packed rows (see packing.py):
there is no padding to read, and one product and a few element-wise calls make a step of both.
"""

from itertools import groupby
from typing import Any, Callable, List, Optional, Tuple, Union, cast

from thinc.api import Model, Ops
from thinc.types import Floats2d, Floats3d, Floats4d, FloatsXd, Ragged

from .blas import one_thread
from .packing import Packing, pack
from .word_cache import WeightsCache
from .words import RaggedWords

# Steps of fewer rows than this are quickest if the gates of a row lie side by side, larger ones if each gate of all
# rows lies in one piece.
FEW = 8


class LSTMCache(WeightsCache):
    """The weights in the order of gates, and the input parts of the words of a table: x W + b for each gate and
    direction, which a word has wherever it stands."""

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._by_gate: List[Floats4d] = []
        self._words: Any = None
        self._parts: Any = None
        self._n_parts = 0

    def by_gate(self, xp, weights: List[FloatsXd]) -> List[Floats4d]:
        """RETURNS (List[Floats4d]): What _by_gate makes of W, U and b."""
        if self.refresh(weights):
            self._by_gate = [_by_gate(xp, array) for array in weights]
        return self._by_gate

    def input_parts(self, xp, words: Floats2d, is_table: bool, W: Floats4d, b: Floats4d) -> Floats4d:
        """RETURNS (Floats4d): The input parts of words, of shape (4, 2, words or more, nH)."""
        if not is_table:
            return _project(xp, words, W, b)
        if words.base is not self._words:
            self._words, self._n_parts = words.base, 0
            self._parts = xp.empty((4, 2, len(words.base), W.shape[-1]), dtype=W.dtype)
        if self._n_parts < len(words):
            new = slice(self._n_parts, len(words))
            self._parts[:, :, new] = _project(xp, words[new], W, b)
            self._n_parts = len(words)
        return self._parts


def BiLSTM(nO: Optional[int] = None, nI: Optional[int] = None) -> Model[Union[Ragged, RaggedWords], Ragged]:
    """Build one bidirectional LSTM layer (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et
    al. 2000). For an input x and the state h, c of the token before:

        o, i, f = sigmoid(x W + h U + b);  g = tanh(x W + h U + b)
        c = f * c + i * g;  h = o * tanh(c)

    The gates lie in the order o, i, f, g along the last axis of W, U and b; direction is their first axis.

    nO (Optional[int]): The output width, half of it for each direction; even.
    nI (Optional[int]): The input width.
    RETURNS (Model[Union[Ragged, RaggedWords], Ragged]): Maps data of shape (tokens, nI) to shape (tokens, nO). At
        prediction the input can be that of words.
    """
    if nO is not None and nO % 2:
        raise ValueError(f"A BiLSTM's width is shared by two directions and must be even, but it is {nO}.")
    return Model(
        "bilstm",
        forward,
        init=init,
        dims={"nO": nO, "nI": nI},
        params={"W": None, "U": None, "b": None},
        attrs={"cache": LSTMCache()},
    )


def init(model: Model, X: Union[Ragged, RaggedWords, None] = None, Y: Optional[Ragged] = None) -> None:
    if X is not None:
        model.set_dim("nI", (X.words if isinstance(X, RaggedWords) else X.dataXd).shape[1])
    ops, nI, nH = model.ops, model.get_dim("nI"), model.get_dim("nO") // 2
    model.set_param("W", _uniform(ops, (2, nI, 4 * nH), (6.0 / (nI + nH)) ** 0.5))
    model.set_param("U", _uniform(ops, (2, nH, 4 * nH), (3.0 / nH) ** 0.5))
    b = ops.alloc2f(2, 4 * nH)
    b[:, 2 * nH : 3 * nH] = 1.0  # Forget nothing to begin with (Jozefowicz et al. 2015).
    model.set_param("b", b)


@one_thread
def forward(model: Model, Xr: Union[Ragged, RaggedWords], is_train: bool) -> Tuple[Ragged, Callable]:
    xp, lengths = model.ops.xp, Xr.lengths
    W, U, b = model.get_param("W"), model.get_param("U"), model.get_param("b")
    nH = U.shape[1]
    packing = pack(model.ops, lengths)
    n_tokens = packing.orders.shape[1]
    # Training needs the gates and cells of all rows again, prediction only those of one block and the state before it.
    gates = xp.empty((4, n_tokens if is_train else 0, 2, nH), dtype=W.dtype)
    cells = xp.empty((n_tokens if is_train else packing.block_size, 2 * nH), dtype=W.dtype)
    hidden = xp.empty((n_tokens, 2 * nH), dtype=W.dtype)
    cache = model.attrs["cache"]
    if is_train:
        cache.clear()  # these weights are about to change
        W_by_gate, U_by_gate, b_by_gate = (_by_gate(xp, array) for array in (W, U, b))
    else:
        W_by_gate, U_by_gate, b_by_gate = cache.by_gate(xp, [W, U, b])
    if isinstance(Xr, RaggedWords):
        parts = cache.input_parts(xp, Xr.words, Xr.is_table, W_by_gate, b_by_gate)
        words = Xr.rows[packing.orders.T] + xp.arange(2) * parts.shape[2]
        parts = parts.reshape(4, -1, nH)  # the words read forward, then those read backward
    h = xp.zeros((2, packing.sizes[0] if packing.sizes else 0, nH), dtype=W.dtype)
    c = xp.zeros((h.shape[1], 2 * nH), dtype=W.dtype)
    for steps in packing.blocks:
        rows = slice(packing.steps[steps.start].start, packing.steps[steps.stop - 1].stop)
        if isinstance(Xr, RaggedWords):
            block = xp.take(parts, words[rows], axis=1)
        else:
            block = gates[:, rows] if is_train else xp.empty((4, rows.stop - rows.start, 2, nH), dtype=W.dtype)
            xp.matmul(xp.take(Xr.dataXd, packing.orders[:, rows], axis=0), W_by_gate, out=block.swapaxes(1, 2))
            block += b_by_gate.swapaxes(1, 2)
        if not is_train and packing.sizes[steps.start] < FEW:
            block = xp.ascontiguousarray(block.swapaxes(0, 1)).swapaxes(0, 1)
        new_cells = cells[rows] if is_train else cells[: rows.stop - rows.start]
        h, c = _run(xp, packing.sizes[steps], block, new_cells, hidden[rows], U_by_gate, h, c)
    Y = xp.take(hidden.reshape(-1, nH), 2 * packing.places + xp.arange(2), axis=0).reshape(n_tokens, 2 * nH)

    @one_thread
    def backprop(dYr: Ragged) -> Ragged:
        X, dY = cast(Ragged, Xr).dataXd, dYr.dataXd
        dhidden = xp.stack([dY[order, d * nH : (d + 1) * nH] for d, order in enumerate(packing.orders)])
        dgates = _run_back(xp, packing, gates, cells, dhidden, U)
        forward, backward = xp.matmul(dgates, W.transpose(0, 2, 1))
        dX = xp.take(forward, packing.places[:, 0], axis=0) + xp.take(backward, packing.places[:, 1], axis=0)
        Xd = xp.take(X, packing.orders, axis=0)
        later = dgates[:, packing.steps[0].stop :] if packing.steps else dgates
        before = hidden[packing.previous].reshape(-1, 2, nH)
        model.inc_grad("W", xp.matmul(Xd.transpose(0, 2, 1), dgates))
        model.inc_grad("U", xp.matmul(before.transpose(1, 2, 0), later))
        model.inc_grad("b", dgates.sum(axis=1))
        return Ragged(dX, dYr.lengths)

    return Ragged(Y, lengths), backprop


def _project(xp, words: Floats2d, W: Floats4d, b: Floats4d) -> Floats4d:
    parts = xp.matmul(words, W)
    parts += b
    return parts


def _by_gate(xp, array: FloatsXd) -> Floats4d:
    """RETURNS (Floats4d): An array of shape (2, rows, 4 * nH), or (2, 4 * nH) with one row, as (4, 2, rows, nH), with
    all but the last gate halved: since sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, one call then activates all four."""
    by_gate = xp.ascontiguousarray(array.reshape(2, -1, 4, array.shape[-1] // 4).transpose(2, 0, 1, 3))
    by_gate[:3] *= 0.5
    return by_gate


def _run(
    xp, sizes: List[int], gates: Floats4d, cells: Floats2d, hidden: Floats2d, U: Floats4d, h: Floats3d, c: Floats2d
) -> Tuple[Floats3d, Floats2d]:
    """Run the recurrence through steps of the given sizes, from the state h, c before them to the one after. On entry
    gates holds their input part, on return their activations."""
    nH = U.shape[-1]
    width = 2 * nH
    start = 0
    for n, steps in groupby(sizes):
        n_steps = len(list(steps))
        rows = slice(start, start + n * n_steps)
        start = rows.stop
        # Step after step, as views: iterating over these costs less than slicing.
        by_gate = gates[:, rows].reshape(4, n_steps, n, width)
        new_c, new_h = cells[rows].reshape(n_steps, n, width), hidden[rows].reshape(n_steps, n, width)
        by_direction = hidden[rows].reshape(n_steps, n, 2, nH).transpose(0, 2, 1, 3)
        # In the order in which the gates lie in memory.
        recurrent = xp.empty_like(by_gate[:, 0])
        recurrent_by_direction = recurrent.reshape(4, n, 2, nH).swapaxes(1, 2)
        h, c = h[:, :n], c[:n]
        views = zip(by_gate.swapaxes(0, 1), by_gate[:3].swapaxes(0, 1), *by_gate, new_c, new_h, by_direction)
        for g_t, sigmoids, o_t, i_t, f_t, candidate_t, c_t, h_t, h_by_direction in views:
            xp.matmul(h, U, out=recurrent_by_direction)
            g_t += recurrent
            xp.tanh(g_t, out=g_t)
            sigmoids *= 0.5
            sigmoids += 0.5
            xp.multiply(i_t, candidate_t, out=c_t)
            c_t += f_t * c
            xp.tanh(c_t, out=h_t)
            h_t *= o_t
            h, c = h_by_direction, c_t
    return h.copy(), c.copy()


def _run_back(xp, packing: Packing, gates: Floats4d, cells: Floats2d, dhidden: Floats3d, U: Floats3d) -> Floats3d:
    """RETURNS (Floats3d): The gradient of the gates before activation from that of the hidden states, of shape
    (2, rows, 4 * nH)."""
    nH, n_rows = U.shape[1], gates.shape[1]
    o, i, f, g = gates.swapaxes(1, 2)
    cells = cells.reshape(n_rows, 2, nH).swapaxes(0, 1)
    # What does not depend on the gradient is computed for all steps at once: the derivative of each gate
    # before activation with respect to c (for o: to h), and that of h with respect to c.
    tanh_c = xp.tanh(cells)
    local = xp.empty((2, n_rows, 4 * nH), dtype=gates.dtype)
    local[:, :, :nH] = tanh_c * o * (1 - o)
    local[:, :, nH : 2 * nH] = g * i * (1 - i)
    local[:, :, 2 * nH : 3 * nH] = f * (1 - f)
    later = packing.sizes[0] if n_rows else 0
    local[:, :later, 2 * nH : 3 * nH] = 0
    local[:, later:, 2 * nH : 3 * nH] *= cells[:, packing.previous]
    local[:, :, 3 * nH :] = i * (1 - g * g)
    dc_dh = o * (1 - tanh_c * tanh_c)
    UT = xp.ascontiguousarray(U.transpose(0, 2, 1))  # BLAS is up to twice as fast then
    dh = xp.zeros((2, later, nH), dtype=gates.dtype)
    dc = xp.zeros((2, later, nH), dtype=gates.dtype)
    by_gate = local.reshape(2, n_rows, 4, nH)
    for n, rows in zip(reversed(packing.sizes), reversed(packing.steps)):
        dh_n, dc_n = dh[:, :n], dc[:, :n]
        dh_n += dhidden[:, rows]
        dc_n += dh_n * dc_dh[:, rows]
        by_gate[:, rows, 0] *= dh_n
        by_gate[:, rows, 1:] *= dc_n[:, :, None]
        dc_n *= f[:, rows]
        dh_n[...] = xp.matmul(local[:, rows], UT)
    return local


def _uniform(ops: Ops, shape: Tuple[int, ...], scale: float) -> Floats3d:
    return ops.asarray(ops.xp.random.uniform(-scale, scale, shape), dtype="float32")
