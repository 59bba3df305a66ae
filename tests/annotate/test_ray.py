"""The same tables from a Ray cluster, a worker of which is killed."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
ray = pytest.importorskip("ray")

from spacy_bio_ner.annotate.engines.cluster import Cluster  # noqa: E402
from spacy_bio_ner.util import InputError  # noqa: E402

from .conftest import Serial, annotate_paths, assert_same, write_texts  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def workers():
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_work"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            pass
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_is_killed_and_nothing_is_lost(cluster, model, tmp_path):
    source = write_texts(tmp_path / "x.jsonl", 400)
    killed = []

    class Killing(Cluster):
        def run(self, job, shards):
            for record in super().run(job, shards):
                if not killed:
                    while not workers():
                        time.sleep(0.01)
                    killed.append(workers()[0])
                    os.kill(killed[0], signal.SIGKILL)
                yield record

    with pytest.raises(KeyboardInterrupt):  # another engine begins
        annotate_paths(model, tmp_path / "out", source, engine=Serial(2), shard_size=20)
    with Killing() as engine:
        annotate_paths(model, tmp_path / "out", source, engine=engine, shard_size=20)
    annotate_paths(model, tmp_path / "expected", source, shard_size=20)
    assert killed
    assert_same(tmp_path / "out", tmp_path / "expected")


def test_what_a_task_says_reaches_the_user(cluster, model, tmp_path):
    source = write_texts(tmp_path / "x.jsonl", 10)

    class Blocked(Cluster):
        def run(self, job, shards):
            (tmp_path / "out" / "documents").write_text("")
            yield from super().run(job, shards)

    with Blocked() as engine, pytest.raises(OSError, match="documents"):
        annotate_paths(model, tmp_path / "out", source, engine=engine)

    class Other(Cluster):
        def describe(self, path, gpu_id):
            return replace(super().describe(path, gpu_id), hash="another")

    with Other() as engine, pytest.raises(InputError, match="found another pipeline"):
        annotate_paths(model, tmp_path / "out2", source, engine=engine)
    with Cluster() as engine, pytest.raises(InputError, match="gone: cannot load the pipeline"):
        annotate_paths(tmp_path / "gone", tmp_path / "out2", source, engine=engine)
