"""`bio-ner distill`: what a teacher says of unlabelled texts, to learn from."""

from pathlib import Path
from typing import List, Optional

from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..annotate.job import Kind
from ..util import InputError
from ._app import bio_ner_cli, clear_errors, needs_extra
from ._piles import locked_sources


@bio_ner_cli.command("distill")
def distill_cli(
    # fmt: off
    teacher: str = Arg(..., help="Pipeline that teaches: the name of an installed one, or a path"),
    inputs: List[str] = Arg(..., help="Files or folders of texts without annotation, or - for the standard input"),
    output: Path = Arg(..., help="Folder to write to, or in which to go on"),
    others: List[str] = Opt(
        [], "--with", help="Another teacher with the same labels, for the mean of them all. Can be given several times"
    ),
    temperature: Optional[float] = Opt(
        None,
        "--temperature",
        "-T",
        min=0.01,
        help="What the scores of a bio_ner are divided by, 1.0 by default. Above 1 the student learns a flatter "
        "distribution, below 1 a steeper one",
    ),
    entities: bool = Opt(False, "--entities", help="Write the entities of a bio_ner too, and not its posterior"),
    min_score: Optional[float] = Opt(
        None, "--min-score", min=0, max=1, help="Entities whose score is known and lower count as not annotated"
    ),
    format: Optional[Kind] = Opt(
        None, "--format", "-f", help="Format of the inputs, as for 'bio-ner annotate'; by default told by their names"
    ),
    text_field: List[str] = Opt(
        ["text"], "--text-field", help="Field of the text. Can be given several times: they are joined by blank lines"
    ),
    id_field: Optional[str] = Opt(
        None, "--id-field", help="Field of the document's id. By default 'id' where there is one, or else file and line"
    ),
    n_process: int = Opt(1, "--n-process", "-n", min=1, help="Number of processes"),
    shard_size: int = Opt(1000, "--shard-size", min=1, help="Number of texts that one process takes at a time"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Write what a teacher says of texts, for a student to learn from.

    Of a pipeline with a bio_ner that is its posterior: how probable it
    finds each tag, and each tag after another. Of any other it is the
    entities. Reads what 'bio-ner annotate' reads. Started again after
    whatever ended it, it goes on where it was. The folder is a corpus for
    configs/distilled.cfg (paths.taught), or for spacy.Corpus.v1.
    """
    with clear_errors("Not finished"), needs_extra("scale"):
        from ..annotate.engines.processes import Processes
        from ..annotate.inputs.item import Fields
        from ..annotate.runner import annotate
        from ..annotate.taught import Teaching, describe_teachers

        with locked_sources(inputs, output, format) as sources:
            with Processes(n_process) as workers:
                models, has_posterior = workers.call(describe_teachers, [teacher, *others], entities, gpu_id)
                if has_posterior and min_score is not None:
                    raise InputError("--min-score is for entities: a posterior says itself how sure it is")
                if not has_posterior and temperature is not None:
                    raise InputError("--temperature is for the posterior of a bio_ner, and entities are written here")
                job = Teaching(
                    models[0],
                    output,
                    gpu_id,
                    others=tuple(models[1:]),
                    temperature=(temperature or 1.0) if has_posterior else None,
                    min_score=min_score or 0.0,
                )
                result = annotate(job, sources, workers, Fields(tuple(text_field), id_field), shard_size)
        what = "the posterior" if has_posterior else "the entities"
        msg.good(f"Wrote {what} of {result['documents']} texts to {output}")
        if result["errors"]:
            msg.warn(f"{result['errors']} inputs could not be used: {output / 'errors.jsonl'} says why")
