"""Piles of texts that commands read, and the folder that one run after another writes to."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, List, Optional, Sequence

from wasabi import msg

from ..annotate.job import Kind
from ..util import printable

if TYPE_CHECKING:  # it needs pyarrow, which other commands can do without
    from ..annotate.inputs.discovery import Source


@contextmanager
def locked_sources(inputs: Sequence[str], output: Path, format: Optional[Kind]) -> Iterator[List["Source"]]:
    """Find the inputs of a run, and keep other runs out of its folder meanwhile.

    inputs (Sequence[str]): Files, folders, or - for the standard input.
    output (Path): The folder to write to.
    format (Optional[Kind]): The format of the inputs, told by their names if None.
    YIELDS (List[Source]): The inputs.
    RAISES (InputError): If there is nothing to read, or the folder cannot be used.
    """
    from ..annotate.inputs.discovery import find_sources
    from ..annotate.inputs.standard_input import spool
    from ..annotate.runner import check_output, locked

    paths = [output / "stdin" if name == "-" else Path(name) for name in inputs]
    check_output(output, paths)
    with locked(output):
        if "-" in inputs:
            spool(sys.stdin.buffer, output / "stdin")
        sources, unknown = find_sources(paths, format)
        if unknown:
            example = printable(str(unknown[0]))
            msg.warn(f"Passed over {len(unknown)} of the inputs, whose format is unknown: {example}, ...")
        yield sources
