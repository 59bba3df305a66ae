"""Check everything on a GPU, and measure it: the tests that need one, short trainings of the LSTM, of spaCy's ner and
of the transformer, words per second beside the CPU's, memory, where the time goes, and whether two runs agree.

Without a GPU it says so and ends. `--gpu-id -1` rehearses it on the CPU.
"""

import subprocess
import sys
import time
from cProfile import Profile
from pathlib import Path
from pstats import Stats
from tempfile import TemporaryDirectory
from typing import Dict, List, Tuple

import numpy
import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import prefer_gpu, require_cpu
from thinc.util import has_cupy_gpu
from wasabi import msg

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.docbin import read_docs

ROOT = Path(__file__).parent.parent
# Words to predict
WORDS = 200_000


def run(*command: object) -> str:
    """RETURNS (str): What a command printed. It ends this one if it fails."""
    done = subprocess.run([sys.executable, "-m", *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        msg.fail(f"{' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-3000:]}", exits=1)
    return done.stdout


def train(config: Path, corpus: Path, output: Path, gpu_id: int, steps: int) -> float:
    """RETURNS (float): The seconds that training took, with the start of the process."""
    start = time.perf_counter()
    run(
        "spacy", "train", config, "--output", output, "--gpu-id", gpu_id, "--paths.train", corpus / "train.spacy",
        "--paths.dev", corpus / "dev.spacy", "--training.max_steps", steps, "--training.eval_frequency", steps,
    )  # fmt: skip
    return time.perf_counter() - start


def words_per_second(nlp: Language, golds: List[Doc]) -> float:
    """RETURNS (float): Words per second from Docs, by the clock, with warm caches."""
    n_words = sum(map(len, golds))
    passes = [[Doc(nlp.vocab, words=[token.text for token in gold]) for gold in golds] for _ in range(3)]
    seconds = []
    for docs in passes:
        start = time.perf_counter()
        for _ in nlp.pipe(docs, batch_size=1024):
            pass
        seconds.append(time.perf_counter() - start)
    return n_words / min(seconds)


def device_memory() -> str:
    if not has_cupy_gpu:
        return "none"
    import cupy

    return f"{cupy.get_default_memory_pool().total_bytes() / 2**20:,.0f} MiB"


def print_profile(nlp: Language, golds: List[Doc]) -> None:
    """Print the functions that take most of the time of predicting."""
    docs = [Doc(nlp.vocab, words=[token.text for token in gold]) for gold in golds]
    profiler = Profile()
    profiler.runcall(lambda: list(nlp.pipe(docs, batch_size=1024)))
    stats = Stats(profiler).stats
    total = sum(own for _, _, own, _, _ in stats.values())
    rows = sorted(((own / total, f"{Path(file).name}:{name}") for (file, _, name), (_, _, own, _, _) in stats.items()))
    table = [(name, f"{share:.1%}") for share, name in rows[:-16:-1]]
    msg.table(table, header=("own time", "share"), divider=True, aligns=("l", "r"))


def same_weights(first: Path, second: Path) -> bool:
    """RETURNS (bool): Whether two pipelines have the same weights to the bit."""
    a, b = (spacy.load(path).get_pipe("bio_ner").model for path in (first, second))
    return all(
        numpy.array_equal(x.ops.to_numpy(x.get_param(name)), y.ops.to_numpy(y.get_param(name)))
        for x, y in zip(a.walk(), b.walk())
        for name in x.param_names
    )


def main(
    gpu_id: int = typer.Option(0, help="GPU ID, or -1 to rehearse on the CPU"),
    steps: int = typer.Option(200, help="Updates of each training"),
    encoder: Path = typer.Option(ROOT / "assets" / "all-MiniLM-L6-v2", help="Transformer; left out if it is not there"),
):
    """Check and measure everything on a GPU."""
    if gpu_id >= 0 and not has_cupy_gpu:
        msg.info("No GPU that CuPy can use is here: nothing was checked")
        return
    if gpu_id >= 0:
        print(run("pytest", "-q", "-n", "0", "-m", "gpu").strip().splitlines()[-1])
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        convert(ROOT / "assets" / "medical", folder / "corpus")
        configs: Dict[str, Tuple[Path, int]] = {"lstm": (ROOT / "configs" / "lstm.cfg", gpu_id)}
        configs["lstm on the CPU"] = (configs["lstm"][0], -1)
        run("spacy", "init", "config", folder / "ner.cfg", "--pipeline", "ner", "--optimize", "efficiency")
        configs["ner"] = (folder / "ner.cfg", gpu_id)
        if encoder.is_dir():
            configs["transformer"] = (ROOT / "configs" / "transformer.cfg", gpu_id)
        rows = []
        for name, (config, where) in configs.items():
            seconds = train(config, folder / "corpus", folder / name, where, steps)
            require_cpu() if where < 0 else prefer_gpu(where)
            nlp = spacy.load(folder / name / "model-best")
            golds = list(read_docs(folder / "corpus" / "train.spacy", nlp.vocab))
            golds *= max(1, WORDS // sum(map(len, golds)) // (20 if name == "transformer" else 1))
            speed = words_per_second(nlp, golds)
            f = nlp.meta["performance"]["ents_f"]
            rows.append((name, f"{seconds:.1f}", f"{100 * f:.1f}", f"{speed:,.0f}", device_memory()))
            if name == "lstm":
                print_profile(nlp, golds[:2000])
        header = ("", f"s of {steps} updates", "dev F", "words/s from Docs", "device memory")
        msg.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r"))
        train(configs["lstm"][0], folder / "corpus", folder / "again", gpu_id, steps)
        same = same_weights(folder / "lstm" / "model-last", folder / "again" / "model-last")
        msg.info("Two trainings of the LSTM have " + ("the same weights" if same else "weights that differ"))


if __name__ == "__main__":
    typer.run(main)
