"""Speed and memory of `bio-ner annotate` beside those of nlp.pipe alone, over the same texts with as many processes."""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

PIPE = """
import sys, spacy, pyarrow
model, path, n_process = sys.argv[1:]
nlp = spacy.load(model)
with pyarrow.input_stream(path) as file:
    texts = [line for line in file.read().decode().split("\\n") if line.strip()]
for doc in nlp.pipe(texts, n_process=int(n_process)):
    pass
"""


def resident(pid: int) -> int:
    """RETURNS (int): The resident memory of a process and those it started, in MiB."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1]) >> 10
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(resident(int(child)) for child in (task / "children").read_text().split())
    except OSError:  # it has ended
        pass
    return total


def measure(command: list, every: float = 2.0) -> tuple:
    """RETURNS (tuple): The seconds that a command takes, and its resident memory over time, in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command])
    ended, samples = Event(), []

    def sample() -> None:
        while not ended.wait(every):
            samples.append(resident(process.pid))

    thread = Thread(target=sample)
    thread.start()
    code = process.wait()
    ended.set()
    thread.join()
    assert code == 0, command
    return time.perf_counter() - start, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("texts", help="Plain text, a text on each line")
    parser.add_argument("output", help="Folder for the outputs, which are new ones")
    parser.add_argument("--n-process", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ray", action="store_true")
    args = parser.parse_args()
    n = args.n_process
    for i in range(args.rounds):
        annotate = [sys.executable, "-m", "spacy", "bio-ner", "annotate", args.model, args.texts, "-n", n]
        commands = {
            "nlp.pipe": [sys.executable, "-c", PIPE, args.model, args.texts, n],
            "annotate": [*annotate, "-o", f"{args.output}-{n}-{i}"],
        }
        if args.ray:
            commands["annotate, ray"] = [*annotate, "-o", f"{args.output}-{n}-{i}-ray", "--engine", "ray"]
        for name, command in commands.items():
            seconds, samples = measure(command)
            quarters = [samples[len(samples) * part // 8] for part in (1, 3, 5, 7)] if samples else []
            print(f"{name:14} {n} processes: {seconds:7.1f} s, MiB at 1/8, 3/8, 5/8, 7/8 of it: {quarters}", flush=True)


if __name__ == "__main__":
    main()
