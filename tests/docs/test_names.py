"""What the documentation names is there: files, links, commands, options, steps and variables of the project."""

import inspect
import re
import shlex

import pytest
import srsly
import typer
from spacy.cli import app
from spacy.util import registry
from thinc.api import Config

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner import __version__

from ..conftest import ROOT
from .blocks import BLOCK, PAGES, blocks_of, commands_of

LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
# A path in backticks, of a folder whose files are in the repository
FILE = re.compile(r"`((?:configs|scripts|experiments|examples|docs|tests|spacy_bio_ner|assets)/[\w./-]+)`")
PROJECT = srsly.read_yaml(ROOT / "project.yml")
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page):
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf8"))):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pages
def test_tests_are_there(page):
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf8")):
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf8"), f"{path}::{name}"


def test_the_version_has_its_place_in_the_changelog():
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf8")


def test_every_room_and_module_has_its_place_in_the_picture():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf8")
    for path in (ROOT / "spacy_bio_ner").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"spacy_bio_ner/{path.name}/" in text, path.name
        elif path.suffix == ".py" and path.stem != "__init__":
            assert path.name in text, path.name


@pages
def test_files_are_there(page):
    own = {"assets/mine"}
    made = {"/".join(asset["dest"].split("/")[:2]) for asset in PROJECT["assets"]} | {"assets/all-MiniLM-L6-v2"} | own
    for name in FILE.findall(page.read_text(encoding="utf8")):
        name = name.rstrip("/.")
        assert (ROOT / name).exists() or "/".join(name.split("/")[:2]) in made, name
    for name in re.findall(r"`(\w+\.py)`", page.read_text(encoding="utf8")):
        assert any(list((ROOT / folder).rglob(name)) for folder in ("spacy_bio_ner", "scripts", "tests", "examples")), (
            name
        )


def options_of(command):
    return {name for p in command.params for name in [*p.opts, *p.secondary_opts]} | {"--help"}


def check_spacy(words):
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name = words.pop(0)
        if name.isupper():  # it stands for any command
            return
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    if command.name == "run":  # of a project
        steps = [step["name"] for step in PROJECT["commands"]] + list(PROJECT["workflows"])
        assert words[0].isupper() or words[0] in steps, f"no step {words[0]}"
    options = options_of(command)
    for word in words:
        if not word.startswith("-") or re.fullmatch(r"-\d*", word):
            continue
        name = word.partition("=")[0]
        if name.startswith("--vars.") and not name[7:].isupper():
            assert name[7:] in PROJECT["vars"], name
        elif "." not in name and "@" not in name:
            assert name in options, f"{command.name} has no option {name}"


def check_command(command):
    words = shlex.split(command)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    if words[:3] == ["python", "-m", "spacy"]:
        check_spacy(words[3:])
    elif words and words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), words
    elif words and words[0] == "python" and words[1].endswith(".py"):
        assert (ROOT / words[1]).is_file(), words[1]
    for extra in re.findall(r"\[([\w,]+)\]", command if "pip install" in command else ""):
        for name in extra.split(","):
            assert re.search(rf"^{name} = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE), name


@pages
def test_commands_have_the_options_that_they_are_given(page):
    for block in blocks_of(page):
        if block.language == "bash":
            for line in commands_of(block.code):
                for command in re.split(r"&&|;|\|", line.replace("[--", "--").replace(" ...]", "")):
                    command = command.strip().removeprefix("do ").strip()
                    if command:
                        try:
                            check_command(command)
                        except AssertionError as err:
                            raise AssertionError(f"{block.place}: {command}: {err}") from None
    # And in the text
    for command in re.findall(r"`python -m spacy ([^`]+)`", page.read_text(encoding="utf8")):
        check_spacy(shlex.split(command.replace("\n", " ")))
    for name in re.findall(r"`(?:bio-ner )(\w+)", page.read_text(encoding="utf8")):
        check_spacy(["bio-ner", name])


@pages
def test_functions_that_configs_name_are_registered(page):
    for block in blocks_of(page):
        for kind, name in re.findall(r'^@(\w+) = "(\S+)"', block.code if block.language == "ini" else "", re.MULTILINE):
            assert registry.has(kind, name), f"{block.place}: {name}"
        if block.language == "ini" and "[training.logger]" in block.code:
            settings = Config().from_str(f"[training]\n\n{block.code}")["training"]["logger"]
            inspect.signature(registry.loggers.get(settings.pop("@loggers"))).bind(**settings)


def test_what_is_not_there_is_noticed():
    check_spacy("bio-ner convert a b --n-sents 1 --lang=en".split())
    check_spacy("project run all . --vars.corpus mine".split())
    for wrong in (
        "bio-ner covert a b",
        "bio-ner convert a b --nope",
        "project run al .",
        "project run all . --vars.corpsu mine",
        "train a.cfg --outputs x",
    ):
        with pytest.raises(AssertionError):
            check_spacy(wrong.split())
