"""What the pages of the documentation show: blocks of code, links, and names of files."""

import re
from pathlib import Path
from typing import List, NamedTuple

from ..conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
TEMPLATE = "# Template"


class Block(NamedTuple):
    """A block of code in a page.

    place (str): Its page and line.
    language (str): "python", "bash", "ini", or "" for output.
    code (str): What it holds.
    mark (str): What a comment before it says, if anything: "slow", or "not run: " and why.
    """

    place: str
    language: str
    code: str
    mark: str

    @property
    def is_template(self) -> bool:
        """RETURNS (bool): Whether it says that the reader has to put in something."""
        return TEMPLATE in self.code


def blocks_of(page: Path) -> List[Block]:
    """RETURNS (List[Block]): The blocks of a page, in order."""
    text = page.read_text(encoding="utf8")
    return [
        Block(
            f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start('language')) + 1}",
            found["language"],
            found["code"],
            found["mark"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def commands_of(code: str) -> List[str]:
    """RETURNS (List[str]): The commands of a bash block, each on one line and without comments."""
    lines = re.sub(r"\\\n\s*", " ", code).splitlines()
    found = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in lines)
    return [line for line in found if line]
