"""Measure pipelines side by side on one core: speed, latency, training, memory. Every measurement is a process of its
own, pinned to one core and one thread, and the pipelines take turns, round after round; medians are compared.

Times are the CPU time of that process, so that other programs on the machine count little; only those of two
processes are by the wall clock.
"""

import os
import platform
import re
import resource
import subprocess
import sys
from cProfile import Profile
from itertools import cycle, islice
from pathlib import Path
from pstats import Stats
from time import perf_counter, process_time
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc
from spacy.training import Corpus, Example, minibatch_by_words
from spacy.training.initialize import init_nlp
from spacy.training.loop import create_evaluation_callback, create_train_batches, train_while_improving
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed
from threadpoolctl import threadpool_info
from wasabi import msg

from spacy_bio_ner.cli._app import atomic_write, clear_errors
from spacy_bio_ner.corpora.docbin import read_docs
from spacy_bio_ner.distillation import blank_copy
from spacy_bio_ner.util import InputError

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True)
MODELS = typer.Argument(..., help="Pipelines, each as name=path; the others are compared with the last")
ROUNDS = typer.Option(5, min=1, help="How often everything is measured")
# Updates that are measured, after some that are not
WARM_UPDATES, UPDATES = 5, 40
# Texts in a memory zone
ZONE = 2000
# Measure, unit, whether more is better
MEASURES: Dict[str, Tuple[str, bool]] = {
    "docs": ("words/s from Docs", True),
    "docs_first": ("words/s from Docs, first pass", True),
    "texts": ("words/s from texts", True),
    "texts_two_processes": ("words/s from texts, two processes", True),
    "latency_p50": ("ms for a title, median", False),
    "latency_p95": ("ms for a title, 95th percentile", False),
    "training": ("words/s of training", True),
    "seconds_to_goal": ("s of training to the goal", False),
    "lone_document": ("times a word of a batch, a word of a lone document of 10,000", False),
    "peak_memory": ("MB of memory at most", False),
    "ents_f": ("entity F1 on test", True),
}


@app.command()
def compare(
    models: List[str] = MODELS,
    train: Path = typer.Option(..., help="The .spacy file of the training split"),
    dev: Path = typer.Option(..., help="The .spacy file of the dev split"),
    test: Path = typer.Option(..., help="The .spacy file to predict"),
    rounds: int = ROUNDS,
    goal: Optional[float] = typer.Option(None, help="Also train each pipeline until its dev F1 is this; once"),
    output: Path = typer.Option("metrics/benchmark.json", help="The results, as JSON"),
    figure: Optional[Path] = typer.Option(None, help="The main results as a picture (PNG; needs matplotlib)"),
):
    """Compare pipelines."""
    with clear_errors("Nothing measured"):
        paths = dict(_named(model) for model in models)
        for path in (train, dev, test):
            if not path.exists():
                raise InputError(f"{path}: no such file. Convert a corpus first: spacy bio-ner convert")
        if figure is not None:
            _figure_class()
        found: Dict[str, List[Dict[str, float]]] = {name: [] for name in paths}
        for number in range(rounds):
            for name, path in paths.items():
                msg.text(f"Round {number + 1} of {rounds}: {name}")
                measured = _measure("prediction", path, test) | _measure("training", path, train)
                if _n_cores() > 1:
                    measured |= _measure("processes", path, test, cores=2)
                if number == 0:
                    measured |= _measure("accuracy", path, test)
                if number == 0 and goal is not None:
                    measured |= _measure("goal", path, train, dev, str(goal))
                found[name].append(measured)
        results = {
            "environment": _environment(),
            "pipelines": {name: _medians(measured) for name, measured in found.items()},
            "rounds": found,
        }
        *others, reference = results["pipelines"].values()
        results["ratios"] = {
            name: {key: median[key] / reference[key] for key in median if reference.get(key)}
            for name, median in zip(paths, others)
        }
        with atomic_write(output) as beside:
            srsly.write_json(beside, results)
        _print(results)
        if figure is not None:
            with atomic_write(figure) as beside:
                _draw(results, beside)


@app.command()
def profile(
    model: str = typer.Argument(..., help="The pipeline: a name or path"),
    test: Path = typer.Argument(..., help="The .spacy file to predict"),
):
    """Say where the time of predicting goes, and how far the speed is from what matrix products alone would allow."""
    with clear_errors("Nothing measured"):
        shares = _measure("parts", model, test)
        limit = _measure("limit", model, test)
    rows = [(part, f"{share:.1%}") for part, share in sorted(shares.items(), key=lambda item: -item[1])]
    msg.table(rows, header=("part", "share of the time"), divider=True, aligns=("l", "r"))
    for name, value in limit.items():
        print(f"{name}: {value:,.2f}")


@app.command()
def stream(
    model: str = typer.Argument(..., help="The pipeline: a name or path"),
    test: Path = typer.Argument(..., help="The .spacy file whose words the texts are made of"),
    number: int = typer.Option(1_000_000, help="The number of texts"),
    new_words: int = typer.Option(2, help="The number of words of each text that no other has"),
):
    """Predict many distinct short texts inside nlp.memory_zone(), and say how the memory grows."""
    with clear_errors("Nothing measured"):
        growth = _measure("stream", model, test, str(number), str(new_words))
    for n_texts, megabytes in growth.items():
        print(f"{int(n_texts):>10,} texts: {megabytes:8.1f} MB resident")


@app.command(hidden=True)
def measure(what: str, model: str, files: List[str]):
    """Measure one thing in this process and print it as JSON."""
    sys.stdout.write(srsly.json_dumps(_KINDS[what](model, *files)))


def measure_prediction(model: str, test: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Speed, latency, memory and F1 of a pipeline, and what its confidences cost."""
    nlp = spacy.load(model)
    golds = list(read_docs(Path(test), nlp.vocab))
    n_words = sum(map(len, golds))
    texts = [gold.text for gold in golds]
    titles = [gold.text for gold in golds if 5 <= len(gold) <= 20][:500]
    for _ in nlp.pipe(_copies(nlp, golds[-50:])):
        pass
    speed = lambda texts: n_words / _seconds(lambda: _exhaust(nlp.pipe(texts)))  # noqa: E731
    found = {"docs_first": speed(_copies(nlp, golds)), "docs": speed(_copies(nlp, golds)), "texts": speed(texts)}
    latency = [1000 * _seconds(lambda: nlp(title)) for title in titles]
    found["latency_p50"], found["latency_p95"] = numpy.percentile(latency, [50, 95]).tolist()
    found["peak_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    words = [token.text for gold in golds for token in gold][:10_000]
    found["lone_document"] = _seconds(lambda: nlp(Doc(nlp.vocab, words=words))) / len(words) * found["docs"]
    return found


def measure_accuracy(model: str, test: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The entity F1."""
    nlp = spacy.load(model)
    golds = list(read_docs(Path(test), nlp.vocab))
    return {"ents_f": nlp.evaluate([Example(doc, gold) for doc, gold in zip(_copies(nlp, golds), golds)])["ents_f"]}


def measure_processes(model: str, test: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Speed of two processes, by the wall clock."""
    nlp = spacy.load(model)
    texts = [gold.text for gold in read_docs(Path(test), nlp.vocab)]
    n_words = sum(len(nlp.make_doc(text)) for text in texts)
    # Workers must start first, and that takes the same time whatever they do: it is told apart by doing more.
    once, twice = (_seconds(lambda: _exhaust(nlp.pipe(texts * n, n_process=2)), perf_counter) for n in (1, 2))
    return {"texts_two_processes": n_words / (twice - once)}


def measure_training(model: str, train: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Speed of updates in batches of 1,000 words, from random weights."""
    nlp, config = _untrained(model, train, train)
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    batches = minibatch_by_words(cycle(Corpus(train)(nlp)), size=1000)
    n_words = 0
    seconds = 0.0
    for i, batch in enumerate(islice(batches, WARM_UPDATES + UPDATES)):
        taken = _seconds(lambda: nlp.update(batch, sgd=settings["optimizer"], drop=settings["dropout"]))
        if i >= WARM_UPDATES:
            n_words += sum(len(eg.predicted) for eg in batch)
            seconds += taken
    return {"training": n_words / seconds}


def measure_goal(model: str, train: str, dev: str, goal: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): How long it takes to train, with the evaluations, until the dev F1 is good enough;
    nothing if it never is."""
    nlp, config = _untrained(model, train, dev)
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    train_corpus, dev_corpus = resolve_dot_names(config, [settings["train_corpus"], settings["dev_corpus"]])
    start = process_time()
    steps = train_while_improving(
        nlp,
        settings["optimizer"],
        create_train_batches(nlp, train_corpus, settings["batcher"], settings["max_epochs"]),
        create_evaluation_callback(nlp, dev_corpus, settings["score_weights"]),
        dropout=settings["dropout"],
        eval_frequency=100,
        accumulate_gradient=settings["accumulate_gradient"],
        patience=0,
        max_steps=5000,
        exclude=[],
        annotating_components=[],
        before_update=None,
    )
    for _, info, is_best in steps:
        if is_best is not None and info["other_scores"]["ents_f"] >= float(goal):
            return {"seconds_to_goal": process_time() - start}
    return {}


def measure_parts(model: str, test: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The share of the time of predicting from texts that each part takes."""
    nlp = spacy.load(model)
    texts = [gold.text for gold in read_docs(Path(test), nlp.vocab)]
    _exhaust(nlp.pipe(texts[:500]))
    profiler = Profile(process_time)
    total = _seconds(lambda: profiler.runcall(lambda: _exhaust(nlp.pipe(texts))))
    shares = {}
    for (file, _, function), (_, _, _, cumulative, _) in Stats(profiler).stats.items():
        name = f"{Path(file).stem}.{function}"
        if name in _PARTS:
            shares[_PARTS[name]] = cumulative / total
    return shares | {"everything else": 1 - sum(shares.values())}


def measure_limit(model: str, test: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): How fast this machine multiplies matrices, and how fast the pipeline would be if
    the matrix products of its BiLSTM were all it did; nothing if it has none."""
    nlp = spacy.load(model)
    pipe = nlp.get_pipe("bio_ner") if nlp.has_pipe("bio_ner") else None
    layers = [node for node in pipe.model.walk() if node.name == "bilstm"] if pipe else []
    if not layers:
        return {}
    golds = list(read_docs(Path(test), nlp.vocab))
    n_words = sum(map(len, golds))
    X, W = numpy.ones((4096, 128), dtype="float32"), numpy.ones((128, 256), dtype="float32")
    rate = 2 * X.size * W.shape[1] * 10 / min(_seconds(lambda: [X @ W for _ in range(10)]) for _ in range(5))
    per_word = sum(2 * (layer.get_param("W").size + layer.get_param("U").size) for layer in layers)
    passes = [_copies(nlp, golds) for _ in range(4)]
    speed = max(n_words / _seconds(lambda: _exhaust(nlp.pipe(docs))) for docs in passes)
    return {
        "GFLOP/s of matrix products": rate / 1e9,
        "kFLOP per word in matrix products of the BiLSTM": per_word / 1e3,
        "words/s at that limit": rate / per_word,
        "words/s from Docs": speed,
        "share of the limit": speed * per_word / rate,
    }


def measure_stream(model: str, test: str, number: str, new_words: str) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): The resident memory in MB after every tenth of the texts."""
    nlp = spacy.load(model)
    words = [token.text for gold in read_docs(Path(test), nlp.vocab) for token in gold]
    again = 2 * words

    def text(i: int) -> str:
        # Each begins elsewhere in the corpus or, after a round through it, is longer than before.
        length, first = divmod(i, len(words))
        new = [f"{words[first]}{i}x{j}" for j in range(int(new_words))]
        return " ".join(again[first : first + 5 + length] + new)

    texts = map(text, range(int(number)))
    page = resource.getpagesize() / 1024**2
    found: Dict[str, float] = {}
    n_texts = 0
    for chunk in iter(lambda: list(islice(texts, ZONE)), []):
        with nlp.memory_zone():
            _exhaust(nlp.pipe(chunk))
        n_texts += len(chunk)
        if n_texts % (int(number) // 10) < ZONE:
            found[str(n_texts)] = int(Path("/proc/self/statm").read_text().split()[1]) * page
    return found


_KINDS: Dict[str, Callable[..., Dict[str, float]]] = {
    "prediction": measure_prediction,
    "accuracy": measure_accuracy,
    "processes": measure_processes,
    "training": measure_training,
    "goal": measure_goal,
    "parts": measure_parts,
    "limit": measure_limit,
    "stream": measure_stream,
}
_PARTS = {
    "language._ensure_doc": "tokenizer",
    "subword_embed.forward": "embedding",
    "bilstm.forward": "BiLSTM",
    "constraints.preset_constraints": "reading presets",
    "decoding.viterbi": "Viterbi",
    "recursions.filter_forward": "forward pass",
    "recursions.smooth_backward": "backward pass",
    "spans.span_probabilities": "span probabilities",
    "component.set_annotations": "writing entities",
}


def _measure(what: str, model: str, *files: Any, cores: int = 1) -> Dict[str, float]:
    """Run a measurement in a process of its own, on given cores and with one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB")}
    pin = None
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))[:cores]
        pin = lambda: os.sched_setaffinity(0, own)  # noqa: E731
    command = [sys.executable, __file__, "measure", what, model, *map(str, files)]
    result = subprocess.run(command, env=os.environ | threads, preexec_fn=pin, capture_output=True, text=True)
    if result.returncode:
        raise InputError(f"{model}: {what} could not be measured.\n{result.stderr.strip()[-2000:]}")
    return srsly.json_loads(result.stdout)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _named(model: str) -> Tuple[str, str]:
    name, _, path = model.partition("=")
    if not path:
        raise InputError(f"'{model}': expected name=path, such as lstm=training/bc5cdr-lstm/model-best")
    return name, path


def _environment() -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What speed depends on beside the code."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    about = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = (about.get("flags") or about.get("Features") or "").split()
    settings = ("OPENBLAS_", "NPY_", "BLIS_")
    return {
        "processor": about.get("model name") or platform.processor() or platform.machine(),
        "instruction_sets": [flag for flag in flags if re.match("sse4|avx|fma|amx|asimd|sve", flag)],
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture")}
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ],
        "settings": {key: value for key, value in os.environ.items() if key.startswith(settings)},
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "spacy": spacy.__version__,
    }


def _untrained(model: str, train: str, dev: str) -> Tuple[Language, Dict[str, Any]]:
    """RETURNS (Tuple[Language, Dict]): A pipeline by the config of a trained one, initialized, and the config."""
    config = spacy.load(model).config.copy()
    config["paths"] |= {"train": train, "dev": dev}
    fix_random_seed(0)
    nlp = init_nlp(config)
    return nlp, nlp.config.interpolate()


def _copies(nlp: Language, docs: List[Doc]) -> List[Doc]:
    """RETURNS (List[Doc]): The docs without annotation."""
    return [blank_copy(doc, nlp.vocab) for doc in docs]


def _exhaust(docs: Iterator[Doc]) -> None:
    for _ in docs:
        pass


def _seconds(call: Callable[[], Any], clock: Callable[[], float] = process_time) -> float:
    start = clock()
    call()
    return clock() - start


def _medians(rounds: List[Dict[str, float]]) -> Dict[str, float]:
    return {key: float(numpy.median([r[key] for r in rounds if key in r])) for key in MEASURES if key in rounds[0]}


def _print(results: Dict[str, Any]) -> None:
    pipelines = results["pipelines"]
    rows = []
    for key, (unit, _) in MEASURES.items():
        values = [median.get(key) for median in pipelines.values()]
        if any(value is not None for value in values):
            ratios = [f"{ratio[key]:.2f}" if key in ratio else "" for ratio in results["ratios"].values()]
            rows.append((unit, *("" if value is None else _number(value) for value in values), *ratios))
    header = ("", *pipelines, *(f"{name}: ratio" for name in results["ratios"]))
    msg.table(rows, header=header, divider=True, aligns=("l", *"r" * (len(header) - 1)))
    about = results["environment"]
    blas = ", ".join(" ".join(filter(None, library.values())) for library in about["blas"])
    print(f"{about['processor']} with {' '.join(about['instruction_sets'])}; {blas}")
    for name, value in about["settings"].items():
        print(f"{name}={value}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError('matplotlib is needed to draw: pip install "spacy-bio-ner[report]"') from None
    return Figure


def _draw(results: Dict[str, Any], path: Path) -> None:
    """Draw a panel of bars for each of the main measures."""
    keys = ["docs", "texts", "training", "latency_p50"]
    names = list(results["pipelines"])
    figure = _figure_class()(figsize=(2.6 * len(keys), 2.6), layout="constrained")
    for key, axes in zip(keys, figure.subplots(1, len(keys))):
        bars = axes.bar(names, [results["pipelines"][name][key] for name in names], color=["C0", *["0.7"] * len(names)])
        axes.bar_label(bars, fmt=_number, fontsize=8)
        axes.set_title(MEASURES[key][0], fontsize=9)
        axes.set_yticks([])
        axes.spines[["top", "left", "right"]].set_visible(False)
    figure.savefig(path, format="png", dpi=150)


if __name__ == "__main__":
    app()
