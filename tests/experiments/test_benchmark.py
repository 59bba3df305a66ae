"""The benchmark measures what it says it does, and says what is missing. No assertion is about how fast anything is."""

import importlib.util
import sys

import pytest
import srsly
from spacy.tokens import DocBin
from typer.testing import CliRunner

from ..conftest import ROOT

SCRIPT = ROOT / "experiments" / "benchmark.py"
bilstm = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)


@pytest.fixture
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def saved(trained, make_examples, tmp_path):
    """A pipeline and the docs it has learned by heart, as files."""
    trained.to_disk(tmp_path / "model")
    docs = [eg.reference for eg in make_examples(trained)]
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")
    return str(tmp_path / "model"), str(tmp_path / "docs.spacy")


@bilstm
def test_measurements(benchmark, saved, monkeypatch):
    monkeypatch.setattr(benchmark, "WARM_UPDATES", 0)
    monkeypatch.setattr(benchmark, "UPDATES", 1)
    monkeypatch.setattr(benchmark, "ZONE", 2)
    found = benchmark.measure_prediction(*saved) | benchmark.measure_accuracy(*saved)
    found |= benchmark.measure_training(*saved)
    assert set(found) == set(benchmark.MEASURES) - {"texts_two_processes", "seconds_to_goal"}
    assert all(value > 0 for value in found.values())
    assert found["ents_f"] == 1.0
    parts = benchmark.measure_parts(*saved)
    assert sum(parts.values()) == pytest.approx(1.0) and set(benchmark._PARTS.values()) < set(parts)
    limit = benchmark.measure_limit(*saved)
    # Two directions, four gates of 16 units, from 32 inputs and 16 states; a product and a sum for each weight.
    assert limit["kFLOP per word in matrix products of the BiLSTM"] == pytest.approx(2 * 2 * 64 * (32 + 16) / 1000)
    assert list(benchmark.measure_stream(*saved, "40", "2")) == [str(n) for n in range(4, 41, 4)]


@bilstm
def test_comparison_and_messages(benchmark, saved, tmp_path, monkeypatch):
    model, docs = saved
    data = [part for split in ("train", "dev", "test") for part in (f"--{split}", docs)]
    output, figure = tmp_path / "out.json", tmp_path / "out.png"

    def compare(*args):
        args = ["compare", "--rounds", "1", "--output", str(output), "--figure", str(figure), *args]
        result = CliRunner().invoke(benchmark.app, args)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    assert "expected name=path" in compare(model, *data).stdout
    assert "no such file" in compare(f"a={model}", "--train", docs, "--dev", docs, "--test", "none.spacy").stdout
    missing = compare("a=nowhere", *data)
    assert missing.exit_code == 1 and "nowhere" in missing.stdout and not output.exists()
    values = iter([2.0, 8.0])  # of the first pipeline and the second
    measures = dict.fromkeys(benchmark.MEASURES)

    def measure(what, *args, **kwargs):
        return dict.fromkeys(measures, next(values)) if what == "prediction" else {}

    monkeypatch.setattr(benchmark, "_measure", measure)
    assert compare(f"a={model}", f"b={model}", *data).exit_code == 0
    results = srsly.read_json(output)
    assert results["pipelines"] == {"a": dict.fromkeys(measures, 2.0), "b": dict.fromkeys(measures, 8.0)}
    assert results["ratios"] == {"a": dict.fromkeys(measures, 0.25)}
    assert figure.read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert 'pip install "spacy-bio-ner[report]"' in compare(f"a={model}", *data).stdout
