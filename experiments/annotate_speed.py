"""Speed and memory of `bio-ner annotate` beside those of nlp.pipe alone, over the same texts with as many processes,
and beside those of another checkout of the library."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import List, Optional, Tuple

import typer

PIPE = """
import sys, spacy, pyarrow
model, path, n_process = sys.argv[1:]
nlp = spacy.load(model)
with pyarrow.input_stream(path) as file:
    texts = [line for line in file.read().decode().split("\\n") if line.strip()]
for doc in nlp.pipe(texts, n_process=int(n_process)):
    pass
"""
EVERY = 2.0  # seconds between looks at the memory


def main(
    model: str = typer.Argument(..., help="Pipeline: the name of an installed one, or a path"),
    texts: Path = typer.Argument(..., help="Plain text, a text on each line"),
    output: Path = typer.Argument(..., help="Folder for the outputs"),
    n_process: int = typer.Option(1, help="Number of processes"),
    rounds: int = typer.Option(1, help="How often to measure, in turn"),
    other: Optional[Path] = typer.Option(None, help="Another checkout of the library, whose annotate is measured too"),
):
    """Measure nlp.pipe and annotate in turn. CPU time is what counts where others use the machine too."""
    library = Path(__file__).resolve().parents[1]
    texts, output = texts.resolve(), output.resolve()
    model = str(Path(model).resolve()) if Path(model).exists() else model
    for i in range(rounds):
        annotate = ["-m", "spacy", "bio-ner", "annotate", model, texts, "--n-process", n_process, "--output"]
        commands = [
            ("nlp.pipe", library, ["-c", PIPE, model, texts, n_process]),
            ("annotate", library, [*annotate, output / f"{n_process}-{i}"]),
        ]
        if other is not None:
            commands.append((f"annotate of {other}", other, [*annotate, output / f"other-{n_process}-{i}"]))
        for name, path, args in commands:
            wall, cpu, memory = measure([sys.executable, *map(str, args)], path)
            parts = [memory[len(memory) * part // 8] for part in (1, 3, 5, 7)] if memory else []
            print(f"{name}: {wall:.1f} s, CPU {cpu:.1f} s, MiB at 1/8, 3/8, 5/8 and 7/8 of it: {parts}", flush=True)


def measure(command: List[str], library: Path) -> Tuple[float, float, List[int]]:
    """RETURNS (Tuple[float, float, List[int]]): The seconds a command takes with a checkout of the library, those of
    the CPU, and the memory of its processes, in MiB, over time."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=library)  # which Python searches first
    ended, memory = Event(), []

    def sample() -> None:
        while not ended.wait(EVERY):
            memory.append(resident(process.pid))

    thread = Thread(target=sample)
    thread.start()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    thread.join()
    if status:
        raise SystemExit(f"failed: {command}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, memory


def resident(pid: int) -> int:
    """RETURNS (int): The resident memory of a process and of those it started, in MiB; 0 if it has ended."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1]) >> 10
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(resident(int(child)) for child in (task / "children").read_text().split())
    except OSError:
        pass
    return total


if __name__ == "__main__":
    typer.run(main)
