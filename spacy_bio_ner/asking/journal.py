"""The file of answers: a line for each, in the form in which Prodigy has them and `bio-ner convert` reads them."""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

from filelock import FileLock, Timeout

from ..corpora.answers import Answer, put_together
from ..corpora.formats.jsonl import read_answers
from ..corpora.ledger import Ledger
from ..util import InputError

START = b'{"text"'  # how a line begins that was written here


class Journal:
    """Answers that are on disk when the call that adds one returns. Use open_journal.

    path (Path): The file.
    answers (List[Answer]): What is in it, in order.
    """

    def __init__(self, path: Path) -> None:
        """path (Path): The file, which need not be there yet.
        RAISES (InputError): If something in it is no answer, or contradicts another.
        RAISES (OSError): If it cannot be read.
        """
        self.path = path
        self.answers: List[Answer] = []
        self._starts: List[int] = []  # the byte at which each answer begins
        if path.exists():
            self._end_last_line()
            self._read()

    def add(self, answer: Answer, score: Optional[float] = None) -> None:
        """Add an answer.

        answer (Answer): The answer.
        score (Optional[float]): How probable what was asked about was.
        RAISES (OSError): If it could not be written. The file is as before then.
        """
        line = (json.dumps(encode(answer, score), ensure_ascii=False) + "\n").encode("utf8")
        start = self.path.stat().st_size if self.path.exists() else 0
        with self.path.open("ab", buffering=0) as file:
            try:
                if file.write(line) != len(line):
                    raise OSError(None, "could not be written in full: is the disk full?", str(self.path))
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(start)
                raise
        self.answers.append(answer)
        self._starts.append(start)

    def take_back(self) -> Answer:
        """Remove the last answer from the file.

        RETURNS (Answer): What it was.
        """
        self._truncate(self._starts.pop())
        return self.answers.pop()

    def _end_last_line(self) -> None:
        """A machine that stops can leave half a line, of a question that was not answered as far as anybody was told.
        It is removed. A line of which only the end is missing gets it."""
        content = self.path.read_bytes()
        start = content.rfind(b"\n") + 1
        last = content[start:]
        if not last.strip():
            return
        try:
            json.loads(last)
        except ValueError:
            if last.startswith(START[: len(last)]):
                self._truncate(start)
        else:
            with self.path.open("ab") as file:
                file.write(b"\n")

    def _read(self) -> None:
        lines = self.path.read_bytes().split(b"\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        ledger = Ledger(self.path)
        numbered = list(read_answers(self.path, ledger))
        for _ in put_together(numbered, ledger):  # which finds contradictions
            pass
        if ledger.n_errors:
            raise InputError("\n".join(ledger.errors))
        numbers = [number for number, _ in numbered]
        if len(set(numbers)) < len(numbers) or any(number > len(lines) for number in numbers):
            raise InputError(f"{self.path}: expected JSON Lines, an answer on each line and nothing else")
        self._starts = [starts[number - 1] for number in numbers]
        self.answers = [answer for _, answer in numbered]

    def _truncate(self, size: int) -> None:
        with self.path.open("rb+") as file:
            file.truncate(size)
            os.fsync(file.fileno())


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Open a file of answers, and keep others from adding to it meanwhile.

    path (Path): The file, which need not be there yet.
    YIELDS (Journal): The answers.
    RAISES (InputError): If somebody is at work on it, or something in it is no answer or contradicts another.
    RAISES (OSError): If it cannot be read or written.
    """
    if path.is_dir():
        raise InputError(f"{path}: found a folder, expected a file of answers (JSON Lines)")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{path}: somebody is answering into it. Wait for the end, or name another file") from None
    try:
        yield Journal(path)
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def encode(answer: Answer, score: Optional[float] = None) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): An answer, or without a verdict a task, as Prodigy has it."""
    record = answer.record
    meta: Dict[str, Any] = {} if record.document is None else {"id": record.document}
    if score is not None:
        meta["score"] = round(score, 4)
    entry: Dict[str, Any] = {
        "text": record.content(),
        "spans": [{"start": m.start, "end": m.end, "label": m.label} for m in record.mentions],
        "meta": meta,
    }
    if answer.verdict is not None:
        entry.update({"answer": answer.verdict, "_is_binary": answer.is_binary})
    return entry
