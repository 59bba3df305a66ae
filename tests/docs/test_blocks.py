"""Every block of the documentation runs, as far as it can be run without a network or hours of time."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from ..conftest import ROOT, spacy_command
from ..project.test_project import copy_of_the_repository
from .blocks import PAGES, blocks_of, commands_of
from .conftest import SENTENCE

RUN = {page.stem: page for page in PAGES if any(b.language in ("python", "bash") for b in blocks_of(page))}


def run_command(command, monkeypatch):
    """Run a command in this process if it is one of spaCy's, since each new one takes seconds to begin."""
    words = shlex.split(command)
    while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        monkeypatch.setenv(*words.pop(0).split("=", 1))
    if words[:3] == ["python", "-m", "spacy"]:
        spacy_command(*words[3:])
    else:
        assert words[0] in ("mkdir", "cp"), f"{command}: mark the block as slow, or as not run and why"
        subprocess.run(words, check=True)


def environment(**variables):
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **variables}


@pytest.mark.parametrize("page", RUN)
@pytest.mark.filterwarnings("ignore")
def test_the_blocks_of_a_page_run_one_after_another(page, place, monkeypatch):
    nlp = spacy.load("MODEL")
    nlp.get_pipe("bio_ner").cfg["candidate_threshold"] = 0.05
    doc = nlp(SENTENCE)
    names = {"spacy": spacy, "nlp": nlp, "doc": doc, "docs": [doc], "print": lambda *values: None}
    for block in blocks_of(RUN[page]):
        if block.mark or block.is_template:
            continue
        if block.language == "python":
            exec(compile(block.code, block.place, "exec"), names)
        elif block.language == "bash":
            for command in commands_of(block.code):
                run_command(command, monkeypatch)


# Each once, though it may be on several pages
SLOW = list({block.code: block for page in PAGES for block in blocks_of(page) if block.mark == "slow"}.values())


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("block", SLOW, ids=[block.place for block in SLOW])
def test_a_long_block_runs_in_a_copy_of_the_repository(block, made, tmp_path):
    project = copy_of_the_repository(tmp_path / "project")
    (project / "assets" / "mine").mkdir()
    text = "\n\n".join((made / "assets" / "mine" / f"{split}.iob").read_text() for split in ("train", "dev", "test"))
    (project / "assets" / "mine" / "mine.iob").write_text(text, encoding="utf8")
    # What it installs does not get into this environment.
    site = str(tmp_path / "site")
    subprocess.run(
        ["bash", "-euc", block.code], check=True, cwd=project, env=environment(PIP_TARGET=site, PYTHONPATH=site)
    )
    assert list((project / "packages").glob("en_mine_lstm-*.whl")) and (tmp_path / "site" / "en_mine_lstm").is_dir()


def test_blocks_are_run_or_say_why_not():
    blocks = [block for page in RUN.values() for block in blocks_of(page)]
    assert sum(not block.mark and not block.is_template for block in blocks) > 20
    for block in blocks:
        assert block.mark in ("", "slow") or block.mark.startswith("not run: "), block.place
    assert (ROOT / "README.md") in RUN.values()
