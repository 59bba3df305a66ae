"""Engines: where the work on shards is done."""

from typing import Iterable, Iterator, Protocol

from ..job import Job, Model
from ..outputs import Record
from ..shards import Shard


class Engine(Protocol):
    """What works on shards."""

    def describe(self, path: str, gpu_id: int) -> Model:
        """Describe a pipeline, which whoever works keeps loaded.

        path (str): Its folder, or the name it is installed by.
        gpu_id (int): The GPU, or -1 for none.
        RETURNS (Model): What tells it from others.
        RAISES (InputError): If it cannot be loaded, or sets no entities.
        """
        ...

    def run(self, job: Job, shards: Iterable[Shard]) -> Iterator[Record]:
        """Work on shards.

        job (Job): What is to be done.
        shards (Iterable[Shard]): The shards, of which a few more are read than are worked on.
        YIELDS (Record): What became of each, in the order in which they are done.
        RAISES (InputError): If whoever works on a shard is lost.
        """
        ...
