"""A pipeline that has learned by heart, texts, and runs of them that nothing disturbed."""

import json
import os
import random

import pytest

pytest.importorskip("pyarrow")

from spacy_bio_ner.annotate import worker  # noqa: E402
from spacy_bio_ner.annotate.inputs.discovery import find_sources  # noqa: E402
from spacy_bio_ner.annotate.job import TableFormat  # noqa: E402
from spacy_bio_ner.annotate.manifest import read_manifest  # noqa: E402
from spacy_bio_ner.annotate.outputs import CANDIDATES, DOCUMENTS, ENTITIES  # noqa: E402
from spacy_bio_ner.annotate.results import open_results  # noqa: E402
from spacy_bio_ner.annotate.runner import annotate  # noqa: E402

from ..conftest import SMALL_MODEL, learn_by_heart  # noqa: E402

WORDS = ["Aspirin", "fever", "penicillin", "Asthma", "after", "and", "pulmonary fibrosis", ".", "café", "Amiodarone"]
SHARD = 5


class Serial:
    """An engine of this process, that stops in the middle after some shards if it is told to."""

    def __init__(self, n_shards=None):
        self.n_shards = n_shards

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def describe(self, path, gpu_id):
        return worker.describe(path, gpu_id)

    def call(self, function, *args):
        return function(*args)

    def run(self, job, shards):
        for i, shard in enumerate(shards):
            record = job.work(shard)
            if i == self.n_shards:
                raise KeyboardInterrupt
            yield record


@pytest.fixture(scope="session", autouse=True)
def quick_disk():
    """Do not wait for the disk: no test takes the electricity away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    learn_by_heart(SMALL_MODEL).to_disk(path)
    return path


@pytest.fixture(scope="session")
def undisturbed(model, tmp_path_factory):
    """Input and output of a run of 7 shards, the last of them not full."""
    folder = tmp_path_factory.mktemp("undisturbed")
    source = write_texts(folder / "x.jsonl", 33)
    with source.open("a") as file:
        file.write('{"id": "d3", "text": "again"}\nnot JSON\n')
    annotate_paths(model, folder / "out", source)
    return source, folder / "out"


def texts(n, seed=0):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randrange(1, 20))) for _ in range(n)]


def write_texts(path, n, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = ({"id": f"d{i}", "text": text} for i, text in enumerate(texts(n, seed)))
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def annotate_paths(model, output, *paths, engine=Serial(), shard_size=SHARD, format=TableFormat.parquet, **settings):
    job = worker.Annotation(engine.describe(str(model), -1), output, format=format, **settings)
    return annotate(job, find_sources(paths)[0], engine, shard_size=shard_size)


def rows(output, name=ENTITIES):
    return open_results(output).table(name).to_table().to_pylist()


def errors(output):
    return [json.loads(line) for line in (output / "errors.jsonl").read_text().splitlines()]


def assert_same(left, right):
    """Assert that two outputs have the same rows."""
    assert rows(left, DOCUMENTS) == rows(right, DOCUMENTS)
    for name in (ENTITIES, CANDIDATES):
        for a, b in zip(rows(left, name), rows(right, name), strict=True):
            assert a.pop("probability") == pytest.approx(b.pop("probability"), abs=1e-5)
            assert a == b
    assert errors(left) == errors(right)
    assert read_manifest(left).result == read_manifest(right).result is not None
