"""Ways to damage a file, to fill a disk and to kill a process, and what may come of it: what comes of the undamaged, or
an error that names the file."""

import errno
import io
import json
import os
import random
import shutil
from collections import Counter
from contextlib import contextmanager

import pytest

from spacy_bio_ner.util import InputError

DAMAGES = ("cut", "emptied", "flipped", "garbage", "gone", "longer", "type", "another's", "folder")
VALUES = [None, 0, -1, 7, 1e300, True, "", "x", [], {}, [[]], {"rows": 1}]


def damage(path, rng, others):
    """Damage a file in one of many ways.

    path (Path): The file.
    rng (Random): What is drawn is drawn from it.
    others (List[Path]): Files that are exchanged for it.
    RETURNS (str): What was done, one of DAMAGES.
    """
    content, kind = path.read_bytes(), rng.choice(DAMAGES)
    if kind == "type":
        try:
            path.write_text(json.dumps(change_type(json.loads(content), rng)))
            return kind
        except (ValueError, TypeError, IndexError):  # no JSON
            kind = "flipped"
    if kind == "cut":
        path.write_bytes(content[: rng.randrange(len(content) or 1)])
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind == "flipped":
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 2, 8])):
            if flipped:
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
    elif kind == "garbage":
        path.write_bytes(rng.randbytes(rng.choice([1, 100, len(content)])))
    elif kind == "longer":
        path.write_bytes(content + rng.choice([b"\n", b"\0", b"}", content, b"{}\n"]))
    elif kind == "another's":
        shutil.copy(rng.choice(others), path)
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
            (path / "mine").write_text("not written here")
    return kind


def change_type(content, rng):
    """Change a value somewhere in a JSON object to another type, or remove it."""
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = rng.choice(keys)
        if isinstance(holder[key], (dict, list)) and holder[key] and rng.random() < 0.7:
            holder = holder[key]
            continue
        if rng.random() < 0.2:
            del holder[key]
        else:
            holder[key] = rng.choice(VALUES)
        return content


def restore(whole, damaged, name):
    """Put back a file of a folder, from a copy of the folder."""
    path = damaged / name
    if path.is_dir():
        shutil.rmtree(path)
    shutil.copy(whole / name, path)


def outcome(action, folder):
    """RETURNS (str): What came of an action: "same" or "refused", with an error that names something in the folder.
    Everything else fails."""
    try:
        assert action(), "another result"
    except InputError as err:
        assert str(folder) in str(err), err
        return "refused"
    except OSError as err:  # which the command prints as well
        assert str(err.filename).startswith(str(folder)), err
        return "refused"
    return "same"


class Tally(Counter):
    """How often what came of damage to which kind of file."""

    def print(self, title):
        kinds = sorted({kind for kind, _ in self})
        rows = [(kind, self[kind, "refused"], self[kind, "same"]) for kind in kinds]
        rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
        print(f"\n{title}")
        for kind, refused, same in rows:
            print(f"  {kind:<28}{refused + same:>7} tried {refused:>7} refused {same:>7} harmless {0:>3} false")


@contextmanager
def disk_of(n_bytes, fault=None):
    """A disk that has room for so many bytes in all the files that Python writes to. What comes then is a full disk, or
    another fault.

    n_bytes (Optional[int]): The room; no end of it if None.
    fault (Optional[Callable[[], None]]): What happens then.
    YIELDS (List[int]): How many bytes were written.
    """
    written, real = [0], io.open

    class File(io.FileIO):
        def write(self, data):
            data = memoryview(data).cast("B")
            room = len(data) if n_bytes is None else min(len(data), n_bytes - written[0])
            written[0] += super().write(data[:room])
            if room < len(data):
                if fault is not None:
                    fault()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return room

    def open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if not set(mode) & set("wax+") or isinstance(file, int):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = File(file, mode.replace("b", "").replace("t", ""))
        stream = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return stream if "b" in mode else io.TextIOWrapper(stream, encoding, errors, newline)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", open)
        yield written


@contextmanager
def fault_at(n, fault):
    """Let a fault happen at the n-th call of this process that changes a disk.

    n (int): The number of the call, from 1; 0 for none.
    fault (Callable[[Any], None]): What happens then, given the file.
    YIELDS (List[int]): How many such calls there were.
    """
    calls, changes = [0], [(os, "replace"), (os, "fsync"), (os, "mkdir"), (io, "open")]
    if fault is killed:  # a full disk has room for what is removed
        changes += [(os, "unlink"), (os, "rmdir")]
    with pytest.MonkeyPatch.context() as patch:
        for module, name in changes:
            real = getattr(module, name)

            def faulty(*args, real=real, name=name, **options):
                mode = str(options.get("mode", args[1] if len(args) > 1 else "r")) if name == "open" else "w"
                if set(mode) & set("wax+"):
                    calls[0] += 1
                    if calls[0] == n:
                        fault(args[0])
                return real(*args, **options)

            patch.setattr(module, name, faulty)
        yield calls


def full(path):
    """A full disk, for fault_at."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path) if not isinstance(path, int) else None)


def killed(*_):
    """The end of this process, in the middle of what it does."""
    os._exit(9)


def in_child(action):
    """Do something in a process of its own, which ends however it ends.

    RETURNS (int): The number of the process.
    """
    pid = os.fork()
    if not pid:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


def moments(n, count):
    """RETURNS (List[int]): So many moments of n, in order: the first and last ones if there are many, and others at
    random."""
    edges = [moment for moment in (1, 2, 3, n - 2, n - 1, n) if moment > 0] if count > 10 else []
    return sorted({*edges, *random.Random(n).sample(range(1, n + 1), min(n, count))})
