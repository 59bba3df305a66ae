"""Tasks on a Ray cluster. The machines share the output folder, and have the pipeline under the same path or name."""

from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Iterable, Iterator, List

import ray
from ray.exceptions import RayTaskError, WorkerCrashedError

from ...util import InputError
from ..job import Job, Model
from ..outputs import Record
from ..shards import Shard
from ..worker import describe

MAX_RETRIES = 3  # of a shard whose worker, or whose machine, is lost


class Cluster:
    """An engine of tasks in the cluster that this machine belongs to, or else in one made of this machine with some
    processes. Each task has a CPU, with one thread, and a GPU where the cluster has any."""

    def __init__(self, n_process: int = 1) -> None:
        self._n_process = n_process

    def __enter__(self) -> "Cluster":
        if not ray.is_initialized():
            options: Any = {"log_to_driver": False, "logging_level": "ERROR"}
            try:
                ray.init("auto", **options)
            except ConnectionError:
                ray.init(num_cpus=self._n_process, include_dashboard=False, **options)
        resources = ray.cluster_resources()
        has_gpus = resources.get("GPU", 0) > 0
        self._n_tasks = 2 * int(resources["GPU" if has_gpus else "CPU"])
        self._options = {"num_cpus": 1, "num_gpus": int(has_gpus), "max_retries": MAX_RETRIES}
        return self

    def __exit__(self, *error: Any) -> None:
        pass  # a cluster may be that of others too; one of our own ends with the process

    def describe(self, path: str, gpu_id: int) -> Model:
        with _clear_errors():
            return ray.get(_describe.options(**self._options).remote(path))

    def run(self, job: Job, shards: Iterable[Shard]) -> Iterator[Record]:
        task = _work.options(**self._options)
        pending: List[ray.ObjectRef] = []
        try:
            with _clear_errors():
                for shard in shards:
                    pending.append(task.remote(job, shard))
                    if len(pending) > self._n_tasks:
                        done, pending = ray.wait(pending)
                        yield from ray.get(done)
                while pending:
                    done, pending = ray.wait(pending)
                    yield from ray.get(done)
        finally:
            for reference in pending:
                ray.cancel(reference)


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except RayTaskError as err:
        raise err.cause from None
    except WorkerCrashedError:
        raise InputError(
            f"the worker of a shard was lost {MAX_RETRIES + 1} times, perhaps for want of memory. Start again to go on"
        ) from None


def _gpu_id() -> int:
    return 0 if ray.get_gpu_ids() else -1  # the task sees its own GPU only


@ray.remote
def _describe(path: str) -> Model:
    return describe(path, _gpu_id())


@ray.remote
def _work(job: Job, shard: Shard) -> Record:
    return replace(job, gpu_id=_gpu_id()).work(shard)
