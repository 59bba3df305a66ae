"""The messages in the documentation are those of the code, word for word but for what differs each time."""

import ast
import re

import pytest
from spacy.errors import Errors

from ..conftest import ROOT

# A row of a table whose first cell is a message
ROW = re.compile(r"^\| `([^`]+)` \| ", re.MULTILINE)
PAGES = [ROOT / "docs" / "troubleshooting.md"]
GAP = "…"


def text_of(node):
    """A string of the source as it is written, with a gap for each value put in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or GAP for part in node.values)
    return None


@pytest.fixture(scope="module")
def strings():
    files = [path for folder in ("spacy_bio_ner", "scripts") for path in (ROOT / folder).rglob("*.py")]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))))
    return [text for node in nodes if (text := text_of(node))]


def is_in(message, strings):
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in message.split(GAP)), re.DOTALL)
    return any(pattern.search(text) for text in strings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_messages_are_those_of_the_code(page, strings):
    messages = ROW.findall(page.read_text(encoding="utf8"))
    assert len(messages) > 40
    wrong = []
    for message in messages:
        code = re.fullmatch(r"\[(E\d+)\]", message)
        if not (hasattr(Errors, code[1]) if code else is_in(message, strings)):
            wrong.append(message)
    assert not wrong


def test_another_message_is_noticed(strings):
    assert is_in("The setting … of bio_ner is …, but should be", strings)
    assert not is_in("The setting … of bio_ner was …, but should be", strings)
