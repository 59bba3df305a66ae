"""Processes on this machine. Each loads the pipeline once and takes whole shards."""

import multiprocessing
import os
import signal
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from threading import Thread
from typing import Iterable, Iterator, Set

from ...util import InputError
from ..outputs import Record
from ..shards import Shard
from ..work import Job, run_shard

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(job: Job, shards: Iterable[Shard], n_process: int = 1) -> Iterator[Record]:
    """Work on shards in processes, of one thread each.

    job (Job): What is to be done.
    shards (Iterable[Shard]): The shards, of which a few more are read than are worked on.
    n_process (int): The number of processes.
    YIELDS (Record): What became of each, in the order in which they are done.
    RAISES (InputError): If a process ends before its shard is done.
    """
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
    with _one_thread(), ProcessPoolExecutor(n_process, spawn, _begin) as pool:
        pending: Set[Future] = set()
        try:
            for shard in shards:
                pending.add(pool.submit(run_shard, job, shard))
                if len(pending) > 2 * n_process:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BrokenProcessPool:
            raise InputError(
                "a worker process ended before its work was done: it was killed, perhaps for want of memory "
                "(a smaller --n-process needs less). Start again to go on"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


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
        multiprocessing.parent_process().join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=watch, daemon=True).start()
