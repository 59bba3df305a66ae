"""`bio-ner suggest`: the documents of a run to label next."""

from pathlib import Path

from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..asking.tools import WRITERS, Tool
from ..util import InputError
from ._app import atomic_write, bio_ner_cli, clear_errors, needs_extra


@bio_ner_cli.command("suggest")
def suggest_cli(
    # fmt: off
    run: Path = Arg(..., help="Folder written by 'bio-ner annotate'"),
    dest: Path = Arg(..., help="JSONL file to write"),
    n_docs: int = Opt(100, "--n-docs", "-n", min=1, help="Number of documents"),
    tool: Tool = Opt(Tool.prodigy, "--tool", "-t", help="Tool to write for"),
    # fmt: on
):
    """
    Choose the documents whose labelling would teach most.

    They are those with most errors to be expected for their length, mentions
    that are wrong and mentions that are missed, label by label in turn and
    without near duplicates. They come with the entities found in them. What
    the tool then exports, 'bio-ner convert' reads.
    """
    with clear_errors("Nothing was written"), needs_extra("scale"):
        from ..annotate.outputs import encode_jsonl
        from ..annotate.results import open_results
        from ..asking.documents import select_documents

        if dest.is_dir():
            raise InputError(f"{dest}: found a folder, expected a file to write")
        chosen = select_documents(open_results(run), n_docs)
        with atomic_write(dest) as temporary:
            temporary.write_bytes(encode_jsonl(map(WRITERS[tool], chosen)))
        msg.good(f"Wrote {len(chosen)} documents to {dest}")
