"""Tasks on a Ray cluster. The machines share the output folder, and have the pipeline under the same path or name."""

from dataclasses import replace
from typing import Iterable, Iterator, List

import ray
from ray.exceptions import RayTaskError, WorkerCrashedError

from ...util import InputError
from ..outputs import Record
from ..shards import Shard
from ..work import Job, run_shard

MAX_RETRIES = 3  # of a shard whose worker, or whose machine, is lost


def run(job: Job, shards: Iterable[Shard], n_process: int = 1) -> Iterator[Record]:
    """Work on shards in the cluster that this machine belongs to, or else in one made of this machine. Each task has
    a CPU, with one thread, and a GPU where the cluster has any.

    job (Job): What is to be done.
    shards (Iterable[Shard]): The shards, of which a few more are read than are worked on.
    n_process (int): The number of processes, where there is no cluster.
    YIELDS (Record): What became of each, in the order in which they are done.
    RAISES (InputError): If a shard's worker was lost again and again.
    """
    if not ray.is_initialized():
        options = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            ray.init("auto", **options)
        except ConnectionError:
            ray.init(num_cpus=n_process, include_dashboard=False, **options)
    resources = ray.cluster_resources()
    has_gpus = resources.get("GPU", 0) > 0
    task = _work.options(num_cpus=1, num_gpus=int(has_gpus), max_retries=MAX_RETRIES)
    n_tasks = 2 * int(resources["GPU" if has_gpus else "CPU"])
    pending: List[ray.ObjectRef] = []
    try:
        for shard in shards:
            pending.append(task.remote(job, shard))
            if len(pending) > n_tasks:
                done, pending = ray.wait(pending)
                yield from ray.get(done)
        while pending:
            done, pending = ray.wait(pending)
            yield from ray.get(done)
    except RayTaskError as err:
        raise err.cause from None
    except WorkerCrashedError:
        raise InputError(
            f"the worker of a shard was lost {MAX_RETRIES + 1} times, perhaps for want of memory. Start again to go on"
        ) from None
    finally:
        for reference in pending:
            ray.cancel(reference)


@ray.remote
def _work(job: Job, shard: Shard) -> Record:
    return run_shard(replace(job, gpu_id=0 if ray.get_gpu_ids() else -1), shard)
