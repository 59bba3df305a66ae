"""Questions on a terminal, answered by one key each."""

import unicodedata
from typing import Iterable, Iterator, List, Optional, Tuple

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..corpora.answers import ACCEPT, IGNORE, REJECT
from ..util import InputError
from .session import Asking, Session

KEYS = {"y": ACCEPT, "n": REJECT, "s": IGNORE}
SAID = {ACCEPT: "yes", REJECT: "no", IGNORE: "skipped"}
UNDO, QUIT = "u", "q"
HELP = "y yes   n no   s skip   u undo   q quit"
LINES = 8  # of text around a span
SPAN_STYLE, KNOWN_STYLE = "bold reverse yellow", "underline"
CUT = "…"
ALL, NONE = "Is that all? These, and no other in this text?", "No entity at all in this text?"
NOTHING_LEFT = "Nothing is left to ask: the pipeline is sure of all other spans."


def converse(session: Session, console: Console) -> None:
    """Ask until the person has enough, or there is nothing left to ask.

    session (Session): The questions.
    console (Console): Where to ask.
    RAISES (InputError): If there is no terminal.
    RAISES (OSError): If an answer could not be written.
    """
    while (asking := session.next()) is not None:
        show(asking, session.n_answers, console)
        key = read_key()
        if key == QUIT:
            console.print("quit")
            return
        if key == UNDO:
            console.print("took the last answer back" if session.undo() else "nothing to take back")
        else:
            session.answer(KEYS[key])
            console.print(SAID[KEYS[key]])
    console.print(NOTHING_LEFT)


def read_key() -> str:
    """RETURNS (str): The key that was pressed, of those that mean something. The end of the input, or Ctrl-C, is to
    quit.
    RAISES (InputError): If there is no terminal."""
    while True:
        try:
            key = typer.getchar().lower()
        except (EOFError, KeyboardInterrupt):
            return QUIT
        except OSError as err:
            raise InputError(f"{err.filename}: {err.strerror}: expected a terminal, or --tasks") from None
        if not key:  # the terminal is gone
            return QUIT
        if key in KEYS or key in (UNDO, QUIT):
            return key


def show(asking: Asking, n_answers: int, console: Console) -> None:
    """Show a question.

    asking (Asking): The question.
    n_answers (int): How many answers were given before.
    console (Console): Where to show it.
    """
    text, question = asking
    console.rule(f"{n_answers} answered", style="dim", align="left")
    marks = [(start, end, KNOWN_STYLE) for start, end, _ in asking.known]
    if question is None:
        console.print(mark(text.text, marks, console), soft_wrap=False, end="\n\n")
        console.print(ALL if asking.known else NONE)
        for start, end, label in asking.known:
            console.print(Text.assemble("  ", clean(text.text[start:end]), "  ", (clean(label), "bold")))
    else:
        marks.append((question.start, question.end, SPAN_STYLE))
        around = (question.start, question.end)
        console.print(mark(text.text, marks, console, around), end="\n\n")
        console.print(Text.assemble("Is this ", (clean(question.label), "bold"), f"?  ({question.probability:.0%})"))
        console.print(Text("  " + excerpt(clean(text.text[question.start : question.end]), console.width - 4)))
    console.print(HELP, style="dim", end="  ")


def mark(
    text: str,
    marks: Iterable[Tuple[int, int, str]],
    console: Console,
    around: Optional[Tuple[int, int]] = None,
) -> Text:
    """Mark spans in a text.

    text (str): The text.
    marks (Iterable[Tuple[int, int, str]]): Start and end character of each span, and its style.
    console (Console): Where it is shown. Without colours spans get brackets.
    around (Optional[Tuple[int, int]]): The span around which to show a part of the text, if not all of it.
    RETURNS (Text): The text, without what a terminal could take for a command.
    """
    first, last = (0, len(text)) if around is None else window(text, *around, width=console.width)
    has_styles = console.is_terminal and not console.is_dumb_terminal
    shown, place = Text(CUT + " " if first > 0 else ""), first
    for start, end, style in sorted(marks):
        start, end = max(start, place), min(end, last)
        if start >= end:
            continue
        shown.append(clean(text[place:start]))
        span = excerpt(clean(text[start:end]), console.width * LINES // 2)
        shown.append(span if has_styles else f"[{span}]", style)
        place = end
    shown.append(clean(text[place:last]))
    shown.append(" " + CUT if last < len(text) else "")
    return shown


def window(text: str, start: int, end: int, width: int) -> Tuple[int, int]:
    """RETURNS (Tuple[int, int]): The first character, and the one after the last, of what is shown around a span: about
    LINES lines of the terminal, cut at white space where there is some."""
    room = max(width * LINES - cell_len(text[start:end]), 2 * width) // 2
    return start - _reach(reversed(text[:start]), room), end + _reach(iter(text[end:]), room)


def _reach(characters: Iterator[str], room: int) -> int:
    """RETURNS (int): How many of the characters are shown in so much room: all, or as many as end at white space."""
    blank = n = 0
    for character in characters:
        room -= cell_len(character)
        if room < 0:
            return blank or n
        if character.isspace():
            blank = n
        n += 1
    return n


def clean(text: str) -> str:
    """RETURNS (str): A text in which white space is a blank, and what is not to be seen (commands to the terminal,
    characters that turn the direction of others) a dot. Joiners stay, without which some scripts cannot be written."""
    return "".join(
        " " if c.isspace() else c if c.isprintable() or c in "\u200c\u200d\u200e\u200f" else "·" for c in text
    )


def excerpt(text: str, width: int) -> str:
    """RETURNS (str): A text, or its beginning and end if it is wider."""
    if cell_len(text) <= width:
        return text
    half: List[str] = []
    for part in (text, text[::-1]):
        taken, room = "", (width - 3) // 2
        for character in part:
            room -= cell_len(character)
            if room < 0:
                break
            taken += character
        half.append(taken)
    return unicodedata.normalize("NFC", f"{half[0]} {CUT} {half[1][::-1]}")
