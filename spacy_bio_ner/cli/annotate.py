"""`bio-ner annotate`: a pile of texts in, tables of entities out."""

from pathlib import Path
from typing import Callable, ContextManager, List, Optional

from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..annotate.job import EngineName, Kind, TableFormat
from ._app import bio_ner_cli, clear_errors, needs_extra
from ._piles import locked_sources


@bio_ner_cli.command("annotate")
def annotate_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: the name of an installed one, or a path"),
    inputs: List[str] = Arg(..., help="Files or folders to annotate, or - for the standard input"),
    output: Path = Opt(..., "--output", "-o", help="Folder to write to, or in which to go on"),
    format: Optional[Kind] = Opt(
        None,
        "--format",
        "-f",
        help="Format of the inputs; text has a text on each line, files a text in each file. By default told by the "
        "names of files, or by their first line",
    ),
    text_field: List[str] = Opt(
        ["text"], "--text-field", help="Field of the text. Can be given several times: they are joined by blank lines"
    ),
    id_field: Optional[str] = Opt(
        None, "--id-field", help="Field of the document's id. By default 'id' where there is one, or else file and line"
    ),
    date_field: Optional[str] = Opt(
        None, "--date-field", help="Field of the document's date. By default 'date' where there is one"
    ),
    output_format: TableFormat = Opt(TableFormat.parquet, "--output-format", help="Format of the tables"),
    min_confidence: float = Opt(
        0.0, "--min-confidence", min=0, max=1, help="Take entities that are less probable than this as candidates only"
    ),
    n_process: int = Opt(1, "--n-process", "-n", min=1, help="Number of processes. A cluster of ray has its own"),
    shard_size: int = Opt(1000, "--shard-size", min=1, help="Number of texts that one process takes at a time"),
    engine: EngineName = Opt(
        EngineName.local, "--engine", help="Where to work: local (processes) or ray (a cluster, or this machine)"
    ),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU; ray finds GPUs itself"),
    # fmt: on
):
    """
    Write the entities of a pile of texts to tables.

    Reads plain text, JSONL, CSV, TSV, Parquet and CORD-19's folders,
    compressed or not (.gz, .zst, .bz2). Started again after whatever ended
    it, it goes on where it was, with the same inputs and pipeline only. Each
    input ends as one row of documents/ or, where it cannot be processed, as
    one line of errors.jsonl.
    """
    with clear_errors("Not finished"), needs_extra("scale"):
        from ..annotate.engines import Engine
        from ..annotate.engines.processes import Processes
        from ..annotate.inputs.item import Fields
        from ..annotate.runner import annotate
        from ..annotate.worker import Annotation

        start: Callable[[int], ContextManager[Engine]] = Processes
        if engine == EngineName.ray:
            with needs_extra("ray"):
                from ..annotate.engines.cluster import Cluster

                start = Cluster
        with locked_sources(inputs, output, format) as sources:
            with start(n_process) as workers:
                found = workers.describe(model, gpu_id)
                job = Annotation(found, output, gpu_id, format=output_format, min_confidence=min_confidence)
                fields = Fields(tuple(text_field), id_field, date_field)
                result = annotate(job, sources, workers, fields, shard_size)
        msg.good(f"Wrote {result['documents']} documents with {result['entities']} entities to {output}")
        if result["errors"]:
            msg.warn(f"{result['errors']} inputs could not be annotated: {output / 'errors.jsonl'} says why")
