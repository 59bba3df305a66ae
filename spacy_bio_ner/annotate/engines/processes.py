"""Processes on this machine. Each loads the pipeline once and takes whole shards."""

import multiprocessing
import os
import signal
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any, Callable, Iterable, Iterator, Set, TypeVar

from ...util import InputError
from ..job import Job, Model
from ..outputs import Record
from ..shards import Shard
from ..worker import describe

Result = TypeVar("Result")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Processes:
    """An engine of processes with one thread each, the first of which starts with the first task."""

    def __init__(self, n_process: int = 1) -> None:
        self._n_process = n_process
        self._stack = ExitStack()

    def __enter__(self) -> "Processes":
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        self._stack.enter_context(_one_thread())
        self._pool = ProcessPoolExecutor(self._n_process, spawn, _begin)
        self._stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()

    def describe(self, path: str, gpu_id: int) -> Model:
        return self.call(describe, path, gpu_id)

    def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """Call a function in one of the processes.

        function (Callable[..., Result]): The function, of a module.
        RETURNS (Result): What it returns.
        """
        with _name_lost_workers():
            return self._pool.submit(function, *args).result()

    def run(self, job: Job, shards: Iterable[Shard]) -> Iterator[Record]:
        pending: Set[Future] = set()
        with _name_lost_workers():
            for shard in shards:
                pending.add(self._pool.submit(job.work, shard))
                if len(pending) > 2 * self._n_process:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)


@contextmanager
def _name_lost_workers() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise InputError(
            "a worker process ended before its work was done: it was killed, perhaps for want of memory "
            "(a smaller --n-process needs less). Start again to go on"
        ) from None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes started here have one thread for linear algebra, which libraries read when they are loaded."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update({name: "1" for name in THREADS})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin() -> None:
    """Let a worker end when the process that started it has, and not before its shard is done if a user stops that."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=watch, daemon=True).start()
