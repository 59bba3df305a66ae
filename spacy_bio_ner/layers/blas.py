"""Which BLAS multiplies matrices on a CPU, and with how many threads."""

import os
import threading
from contextlib import ContextDecorator
from functools import lru_cache
from typing import Any, List

from thinc.api import Model, NumpyOps
from threadpoolctl import OpenBLASController, ThreadpoolController


class OneThread(ContextDecorator):
    """A context, and a decorator, in which NumPy's OpenBLAS uses one thread. By default it uses one for each core. The
    products here are too small to gain by that, and where the cores have other work its threads wait for each other
    without rest: prediction then takes many times as long. Threads may enter it at the same time; the number of BLAS
    threads is what it was when the last one leaves.
    """

    def __init__(self) -> None:
        self._reset()
        if hasattr(os, "register_at_fork"):  # a child would wait for ever for a lock that its parent held
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0
        self._before: List[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._n_inside == 0:
                self._before = [library.num_threads for library in _openblas()]
                _set_threads([1] * len(self._before))
            self._n_inside += 1

    def __exit__(self, *exception: Any) -> None:
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                _set_threads(self._before)


@lru_cache(maxsize=None)
def _openblas() -> List[OpenBLASController]:
    """RETURNS (List[OpenBLASController]): The OpenBLAS libraries that are loaded."""
    return [library for library in ThreadpoolController().lib_controllers if isinstance(library, OpenBLASController)]


def _set_threads(numbers: List[int]) -> None:
    for library, n_threads in zip(_openblas(), numbers):
        # threadpoolctl lets only one Python thread set the number; ours need not be the one that has set it before.
        library.clear_controlling_thread(force=True)
        library.set_num_threads(n_threads)


one_thread = OneThread()


class NumpyBlasOps(NumpyOps):
    """thinc's ops for a CPU, multiplying with NumPy's BLAS and one thread of it."""

    def gemm(self, x, y, out=None, trans1=False, trans2=False):  # type: ignore[no-untyped-def]
        with one_thread:
            return super().gemm(x, y, out=out, trans1=trans1, trans2=trans2)


_OPS = NumpyBlasOps(use_blis=False)


def use_numpy_blas(model: Model) -> Model:
    """Have a model's layers multiply with NumPy's own BLAS, which is several times as fast as thinc's default, BLIS, on
    CPUs with AVX-512. Layers on other ops, such as those of a GPU, are left as they are.

    model (Model): The model.
    RETURNS (Model): The same.
    """
    for node in model.walk():
        if type(node.ops) is NumpyOps:
            node.ops = _OPS
    return model
