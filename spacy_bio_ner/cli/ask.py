"""`bio-ner ask`: yes or no to the spans that a pipeline is least sure of."""

from pathlib import Path
from typing import List, Optional

import srsly
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..annotate.job import Kind
from ..util import InputError, printable
from ._app import atomic_write, bio_ner_cli, clear_errors, load_pipeline, needs_extra


@bio_ner_cli.command("ask")
def ask_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: the name of an installed one, or a path"),
    texts: Path = Arg(..., help="File or folder of texts, as 'bio-ner annotate' reads them"),
    answers: Path = Arg(..., help="JSONL file of answers, to go on with or to begin"),
    tasks: Optional[Path] = Opt(
        None,
        "--tasks",
        help="Ask nothing, and write the questions to this JSONL file as tasks for Prodigy",
        dir_okay=False,
    ),
    format: Optional[Kind] = Opt(None, "--format", "-f", help="Format of the texts. By default told by names of files"),
    text_field: List[str] = Opt(["text"], "--text-field", help="Field of the text. Several are joined by blank lines"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Ask whether the spans are entities that the pipeline is least sure of.

    A key answers: y yes, n no, s skip, u undo, q quit. Each answer is on
    disk before the next question comes, and started again it goes on. Now
    and then it asks "is that all?" of a text: by a yes all the rest of it is
    known to be no entity. 'bio-ner convert' makes a corpus of the answers.
    """
    with clear_errors("Stopped"), needs_extra("scale"):
        from rich.console import Console

        from ..annotate.inputs.discovery import check_fields, find_sources
        from ..annotate.inputs.item import Fields
        from ..asking.journal import encode, open_journal
        from ..asking.session import Session
        from ..asking.terminal import converse
        from ..asking.unread import read_texts

        for path in filter(None, (answers, tasks)):
            if texts.resolve() in (path.resolve(), *path.resolve().parents):
                raise InputError(f"{path}: would be read as a part of the texts {texts}, expected another place")
        fields = Fields(tuple(text_field))
        sources, _ = find_sources([texts], format)
        check_fields(sources, fields)
        with open_journal(answers) as journal:
            nlp = load_pipeline(model, gpu_id)
            passed_over: List[str] = []
            session = Session(nlp, read_texts(sources, fields, nlp.max_length, passed_over), journal)
            if tasks is not None:
                asked = [encode(asking.answer(None), asking.probability) for asking in session.questions()]
                with atomic_write(tasks) as beside:
                    srsly.write_jsonl(beside, asked)
                msg.good(f"Wrote {len(asked)} questions about {session.n_texts} texts to {printable(str(tasks))}")
            else:
                converse(session, Console(highlight=False))
                msg.good(f"{session.n_answers} answers in {printable(str(answers))}")
        if passed_over:
            msg.warn(f"Passed over {len(passed_over)} of the inputs, such as {passed_over[0]}")
