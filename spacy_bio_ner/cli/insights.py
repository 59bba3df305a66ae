"""`bio-ner insights`: what the tables of a run show."""

from pathlib import Path
from typing import Optional

from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..util import InputError
from ._app import bio_ner_cli, clear_errors, needs_extra


@bio_ner_cli.command("insights")
def insights_cli(
    # fmt: off
    run: Path = Arg(..., help="Folder written by 'bio-ner annotate'"),
    output: Optional[Path] = Opt(None, "--output", "-o", help="Folder to write to. By default RUN/insights"),
    pair: Optional[str] = Opt(
        None, "--pair", help="LABEL,LABEL: the labels of the pairs. By default each two that there are"
    ),
    min_confidence: float = Opt(
        0.0,
        "--min-confidence",
        min=0,
        max=1,
        help="Leave out entities that are less probable than this, except as expected errors",
    ),
    top: int = Opt(20, "--top", min=1, help="Number of rows of a table to show on the page. The CSV files have all"),
    # fmt: on
):
    """
    Show what a run found: on one HTML page, with the tables as CSV beside it.

    The most frequent entities of each label, pairs of entities that occur in
    the same documents above chance, trends by year where documents have
    dates, and the entities whose labelling would teach most.
    """
    with clear_errors("Nothing was written"), needs_extra("scale"):
        from ..insights.write import write_insights

        labels = None
        if pair is not None:
            first, _, second = pair.partition(",")
            if not second or "," in second or first == second:
                raise InputError(f"--pair {pair}: expected two labels, such as Chemical,Disease")
            labels = (first, second)
        output = output or run / "insights"
        if not write_insights(run, output, labels, min_confidence, top):
            msg.warn("The run is not finished: what is shown is of the part that is done")
        msg.good(f"Wrote {output / 'index.html'}, and the tables beside it")
