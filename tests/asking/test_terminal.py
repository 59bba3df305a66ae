"""Questions as a person sees them, and the keys that answer them."""

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from rich.cells import cell_len
from rich.console import Console
from spacy.cli import app
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.asking.journal import Journal
from spacy_bio_ner.asking.questions import Question
from spacy_bio_ner.asking.session import AskedText, Asking
from spacy_bio_ner.asking.terminal import LINES, show, window
from spacy_bio_ner.corpora.answers import ACCEPT, IGNORE, REJECT

from ..conftest import TEXTS

WORD = "Lithium"


def shown(text, span=WORD, label="a label", accepted=(), width=60, colors=True):
    """What a terminal shows, with its commands for colours and without."""
    start = text.index(span)
    asked = AskedText(text, None, {place: ACCEPT for place in accepted})
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colors,
        color_system="standard" if colors else None,
        highlight=False,
    )
    show(Asking(asked, Question(start, start + len(span), label, 0.5)), 3, console)
    output = console.file.getvalue()
    return output, re.sub(r"\x1b\[[0-9;]*m", "", output)


FILLER = "The quick brown fox jumps over the lazy dog. "
TEXTS_SHOWN = {
    "short": f"{WORD} helps.",
    "long": FILLER * 110 + WORD + " was given. " + FILLER * 110,
    "at the end": FILLER * 200 + WORD,
    "without blanks": "x" * 5000 + WORD + "y" * 5000,
    "right to left": "לא ניתן " * 100 + WORD + " היום" * 100,
    "two columns wide": "薬は発熱を起こす。" * 100 + WORD + "薬は発熱を起こす。" * 100,
    "emoji": "👩‍👩‍👧 é " * 200 + WORD,
    "lines": "first line\n\n\n\tsecond line\r\n" * 50 + WORD + "\nlast",
}


@pytest.mark.parametrize("text", TEXTS_SHOWN.values(), ids=TEXTS_SHOWN)
@pytest.mark.parametrize("width", [45, 60, 200])
def test_a_question_fits_the_terminal_and_shows_the_span_in_its_text(text, width):
    output, plain = shown(text, width=width)
    lines = plain.split("\n")
    # A joined emoji may be counted as its parts, so that lines are rather shorter than longer
    assert all(cell_len(line) <= width for line in lines)
    assert len(lines) <= 20
    question = next(i for i, line in enumerate(lines) if "Is this" in line)
    assert WORD in "".join(lines[:question]) and WORD in lines[question + 1]
    assert re.search(r"\x1b\[1;7[;\d]*m.*" + WORD[0], output)  # bold, reversed
    around = "".join(lines[1 : question - 1]).replace(WORD, "")
    assert set(around) - set("… ") <= set(text)  # nothing that is not there
    if len(text) > 2000:
        assert "…" in plain and sum(map(cell_len, around)) > 2 * width  # enough to judge by


def test_a_span_that_is_long_itself_is_shown_by_its_ends():
    text = "before " + "a" * 3000 + "z after"
    _, plain = shown(text, span=text[7:3008])
    assert len(plain.split("\n")) < 20 and "before" in plain and "…" in plain and "z \nafter" in plain


def test_nothing_in_a_text_or_label_is_a_command_to_the_terminal():
    evil = f"\x1b[31m \x1b]0;title\x07 {WORD} \u202e \x9b2J \x08"
    output, plain = shown(evil, label="x\x1b[2J")
    assert not set("\x07\x08\x9b\u202e") & set(output)
    assert "\x1b" not in plain and "·[2J" in plain


def test_without_colours_the_span_is_in_brackets():
    output, _ = shown(f"tremor after {WORD} helps.", accepted=[(0, 6, "DIS")], colors=False)
    assert f"[tremor] after [{WORD}] helps." in output and "\x1b" not in output


def test_markup_of_rich_is_text():
    _, plain = shown(f"[bold]not bold[/bold] {WORD} :smile: [link=x]", label="[red]")
    assert f"[bold]not bold[/bold] {WORD} :smile: [link=x]" in plain and "[red]?" in plain


def test_is_that_all_shows_the_whole_text_and_what_was_accepted():
    text = FILLER * 5 + WORD
    console = Console(file=io.StringIO(), width=60, highlight=False)
    start = text.index(WORD)
    show(Asking(AskedText(text, None, {(start, start + 7, "a label"): ACCEPT, (0, 3, "X"): REJECT}), None), 3, console)
    output = console.file.getvalue()
    assert "Is that all?" in output and " ".join(output.split()).count(FILLER.strip()) == 5
    assert f"{WORD}  a label" in output and "The  X" not in output


# The command


@pytest.fixture
def files(unsure, tmp_path):
    unsure.to_disk(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in TEXTS))
    return tmp_path / "model", tmp_path / "texts.txt", tmp_path / "answers.jsonl"


def run(*args, keys=""):
    result = CliRunner().invoke(app, ["bio-ner", "ask", *map(str, args)], input=keys)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_keys(files):
    result = run(*files, keys="x\x1bYns" + "uq")  # what means nothing is passed over
    assert result.exit_code == 0, result.output
    assert "took the last answer back" in result.output and "2 answers in" in result.output
    assert [a.verdict for a in Journal(files[2]).answers] == [ACCEPT, REJECT]
    assert "nothing to take back" in run(*files, keys="uuuq").output
    assert Journal(files[2]).answers == []


def test_the_end_of_the_input_is_to_quit(files):
    result = run(*files, keys="n")
    assert result.exit_code == 0 and "1 answers in" in result.output
    result = run(*files, keys="s" * 200)
    assert "Nothing is left to ask" in result.output
    answers = Journal(files[2]).answers
    assert answers[0].verdict == REJECT and {a.verdict for a in answers[1:]} == {IGNORE}


def test_tasks_for_prodigy(files):
    tasks = files[2].with_name("tasks.jsonl")
    result = run(*files, "--tasks", tasks)
    assert result.exit_code == 0 and f"Wrote {len(TEXTS)} questions about {len(TEXTS)} texts" in result.output
    written = [json.loads(line) for line in tasks.open()]
    assert {task["text"] for task in written} == {text for text, _ in TEXTS}
    # What Prodigy's `mark` adds makes answers of them, and they are not asked again
    with files[2].open("w") as file:
        for task in written:
            file.write(json.dumps({**task, "answer": "ignore", "_view_id": "ner"}) + "\n")
    assert run(*files, "--tasks", tasks).exit_code == 0
    again = [json.loads(line) for line in tasks.open()]
    asked = [(task["text"], json.dumps(task["spans"])) for task in [*written, *again]]
    assert len(set(asked)) == len(asked)


def test_command_that_cannot_begin(files, nlp):
    model, texts, answers = files
    nlp.to_disk(model.with_name("blank"))
    answers.write_text('{"text": "a", "answer": "maybe"}\n')
    for args, said in (
        (
            (model.with_name("blank"), texts, answers.with_name("new.jsonl")),
            "no component of the pipeline is a bio_ner",
        ),
        ((model, texts, answers), "answers.jsonl:1: answer: found 'maybe'"),
        ((model, texts, texts), "would be read as a part of the texts"),
        ((model, texts.parent, answers), "would be read as a part of the texts"),
        ((model, texts.with_name("none"), answers), "no such file or folder"),
        ((model.with_name("none"), texts, answers.with_name("new.jsonl")), "cannot load the pipeline"),
    ):
        result = run(*args)
        assert result.exit_code == 1 and said in result.output, result.output
    assert sorted(path.name for path in texts.parent.iterdir()) == ["answers.jsonl", "blank", "model", "texts.txt"]


def test_what_is_no_text_is_counted(files):
    model, _, answers = files
    texts = answers.with_name("texts.jsonl")
    texts.write_text('{"text": "Fever after penicillin"}\n{"text": 1}\n')
    result = run(model, texts, answers, keys="q")
    assert "Passed over 1 of the inputs, such as texts.jsonl:2" in result.output


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_killed_after_any_answer_it_has_lost_none(files):
    """In a real terminal of 60 columns. It is killed as soon as it says that an answer was taken."""
    import pty
    import termios

    command = [sys.executable, "-m", "spacy", "bio-ner", "ask", *map(str, files)]
    n_answers = 0
    for round in range(3):
        leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (24, 60))
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60"}
        process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=env)
        os.close(follower)
        screen = _Screen(leader)
        for key in "yns"[: round + 1]:
            screen.wait_for(f"{n_answers} answered", "q quit")
            time.sleep(1)  # what is typed before it reads is not read
            os.write(leader, key.encode())
            n_answers += 1
            screen.wait_for({"y": "yes", "n": "no", "s": "skipped"}[key])
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(leader)
        assert len(Journal(files[2]).answers) == n_answers
        assert "\x1b[1;7" in screen.seen
    asked = [(a.record.text, tuple(a.record.mentions)) for a in Journal(files[2]).answers]
    assert len(set(asked)) == len(asked)


class _Screen:
    """What a pseudo-terminal has shown."""

    def __init__(self, terminal):
        self.terminal, self.seen, self.place = terminal, "", 0

    def wait_for(self, *wanted):
        for text in wanted:
            while (found := self.seen.find(text, self.place)) < 0:
                assert select.select([self.terminal], [], [], 120)[0], self.seen
                self.seen += os.read(self.terminal, 4096).decode("utf8", "replace")
            self.place = found + len(text)


@pytest.mark.parametrize("start, end", [(0, 7), (8, 13), (14, 21), (0, 21)])
def test_a_short_text_is_its_own_window(start, end):
    assert window("Aspirin after fevers.", start, end, width=60) == (0, 21)


def test_a_window_ends_at_white_space_and_holds_the_span():
    text = "word " * 1000
    first, last = window(text, 2500, 2504, width=60)
    assert text[first - 1].isspace() and text[last].isspace() and first < 2500 < 2504 < last
    assert last - first <= 60 * LINES
