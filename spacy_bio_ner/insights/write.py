"""The insights of a run, written as one page and CSV files."""

from pathlib import Path
from typing import Optional, Tuple

from pandas import DataFrame
from pandas.api.types import is_numeric_dtype

from ..annotate.outputs import DOCUMENTS
from ..annotate.results import open_results
from ..util import InputError, atomic_write
from . import tables
from .overview import render

PAGE = "index.html"
# At the begin of a cell they make a formula of it, in one spreadsheet or another
FORMULA = r"^(?=[=+\-@\t\r\n＝＋－＠])"


def write_insights(
    run: Path, output: Path, labels: Optional[Tuple[str, str]] = None, min_confidence: float = 0.0, top: int = 20
) -> bool:
    """Write the insights of a run: index.html, entities.csv, pairs.csv, trends.csv and expected_errors.csv.

    run (Path): The folder of the run.
    output (Path): The folder to write to.
    labels (Optional[Tuple[str, str]]): The labels of pairs; each two that there are if None.
    min_confidence (float): Entities less probable than this count as expected errors only.
    top (int): How many rows of a table the page shows.
    RETURNS (bool): Whether the run is finished.
    RAISES (InputError): If the folder is not of a run, has no entities (of the labels), or is damaged.
    """
    results = open_results(run)
    n_documents = results.table(DOCUMENTS).count_rows()
    mentions = tables.read_mentions(results)
    entities = mentions[mentions["is_entity"]]
    found = sorted(entities["label"].astype(str).unique())
    if not found:
        raise InputError(f"{run}: found no entity in {n_documents} documents")
    for label in labels or ():
        if label not in found:
            raise InputError(f"found no entity with the label {label!r}, expected one of {', '.join(found)}")
    sure = entities[entities["probability"].fillna(1.0) >= min_confidence]
    years = tables.read_years(results)
    csvs = {
        "entities.csv": tables.frequent(sure),
        "pairs.csv": tables.pairs(sure, n_documents, labels),
        "trends.csv": tables.trends(sure, years),
        "expected_errors.csv": tables.expected_errors(mentions, results, n=10 * top),
    }
    model = results.manifest.model
    summary = f"{len(sure):,} mentions in {n_documents:,} documents, {years.notna().sum():,} of which have a year."
    if min_confidence:
        summary += f" Mentions with a probability below {min_confidence:g} are left out, except as expected errors."
    page = render(f"Entities found by {model['name']}", model["version"], summary, csvs, top)
    for name, table in csvs.items():
        with atomic_write(output / name) as temporary:
            # A cell with one of the characters that end a line is quoted
            _without_formulas(table).to_csv(temporary, index=False, lineterminator="\r\n")
    with atomic_write(output / PAGE) as temporary:
        temporary.write_text(page, encoding="utf8")
    return results.manifest.result is not None


def _without_formulas(table: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): A table with an apostrophe before each text that a spreadsheet would take for a formula and
    run. What is a number stays."""
    texts = [name for name, dtype in table.dtypes.items() if not is_numeric_dtype(dtype)]
    return table.assign(**{name: table[name].astype("str").str.replace(FORMULA, "'", regex=True) for name in texts})
