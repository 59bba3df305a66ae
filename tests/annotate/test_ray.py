"""The same tables from a Ray cluster, a worker of which is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
ray = pytest.importorskip("ray")

from spacy_bio_ner.annotate.engines import ray as engine  # noqa: E402
from spacy_bio_ner.util import InputError  # noqa: E402

from .test_annotate import annotate_paths, model, same, stops_after, write_texts  # noqa: E402, F401


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
def test_a_worker_is_killed_and_nothing_is_lost(cluster, model, tmp_path):  # noqa: F811
    source = write_texts(tmp_path / "x.jsonl", 400)
    killed = []

    def killing(job, shards):
        for record in engine.run(job, shards):
            if not killed:
                while not workers():
                    time.sleep(0.01)
                killed.append(workers()[0])
                os.kill(killed[0], signal.SIGKILL)
            yield record

    with pytest.raises(KeyboardInterrupt):  # another engine begins
        annotate_paths(model, tmp_path / "out", source, engine=stops_after(2), shard_size=20)
    annotate_paths(model, tmp_path / "out", source, engine=killing, shard_size=20)
    annotate_paths(model, tmp_path / "expected", source, shard_size=20)
    assert killed
    same(tmp_path / "out", tmp_path / "expected")


def test_what_a_task_says_reaches_the_user(cluster, model, tmp_path):  # noqa: F811
    source = write_texts(tmp_path / "x.jsonl", 10)

    def blocked(job, shards):
        (tmp_path / "out" / "documents").write_text("")
        yield from engine.run(job, shards)

    with pytest.raises(OSError, match="documents"):
        annotate_paths(model, tmp_path / "out", source, engine=blocked)

    def other(job, shards):
        (model_2 / "meta.json").write_text((model / "meta.json").read_text().replace("0.0.0", "0.0.1"))
        yield from engine.run(job, shards)

    model_2 = tmp_path / "model"
    model_2.mkdir()
    subprocess.run(["cp", "-r", f"{model}/.", model_2], check=True)
    with pytest.raises(InputError, match="found another pipeline"):
        annotate_paths(model_2, tmp_path / "out2", source, engine=other)
