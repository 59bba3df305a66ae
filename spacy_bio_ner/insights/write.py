"""The insights of a run, written as one page and CSV files."""

from pathlib import Path
from typing import List, Optional, Tuple

import pandas
from pandas import DataFrame

from ..annotate.manifest import read_manifest
from ..annotate.outputs import DOCUMENTS, open_table
from ..util import InputError, atomic_write
from . import tables
from .page import bars, lines, make_section, render

PAGE = "index.html"
LINES = 6  # of a figure that one can tell apart


def write_insights(
    run: Path, output: Path, labels: Optional[Tuple[str, str]] = None, min_confidence: float = 0.0, top: int = 20
) -> bool:
    """Write the insights of a run: index.html, entities.csv, pairs.csv, trends.csv and doubtful.csv.

    run (Path): The folder of the run.
    output (Path): The folder to write to.
    labels (Optional[Tuple[str, str]]): The labels of pairs; each two that there are if None.
    min_confidence (float): Entities less probable than this count as doubtful only.
    top (int): How many rows of a table the page shows.
    RETURNS (bool): Whether the run is finished.
    RAISES (InputError): If the folder is not of a run, or has no entities (of the labels).
    """
    manifest = read_manifest(run)
    if manifest is None:
        raise InputError(f"{run}: found no manifest.json, expected a folder written by 'bio-ner annotate'")
    n_documents = open_table(run, DOCUMENTS).count_rows()
    mentions = tables.read_mentions(run)
    entities = mentions[mentions["chosen"]]
    found = sorted(entities["label"].astype(str).unique())
    if not found:
        raise InputError(f"{run}: found no entity in {n_documents} documents")
    for label in labels or ():
        if label not in found:
            raise InputError(f"found no entity with the label {label!r}, expected one of {', '.join(found)}")
    sure = entities[entities["probability"].fillna(1.0) >= min_confidence]
    years = tables.read_years(run)
    csvs = {
        "entities.csv": tables.frequent(sure),
        "pairs.csv": tables.pairs(sure, n_documents, labels),
        "trends.csv": tables.trends(sure, years),
        "doubtful.csv": tables.doubtful(mentions, run, n=10 * top),
    }
    title = f"Entities found by {manifest.model['name']} {manifest.model['version']}"
    summary = f"{len(sure)} mentions in {n_documents} documents, {years.notna().sum()} of which have a year."
    if min_confidence:
        summary += f" Mentions with a probability below {min_confidence:g} are left out, except as doubtful ones."
    page = render(title, summary, _sections(csvs, top))
    for name, table in csvs.items():
        with atomic_write(output / name) as beside:
            table.to_csv(beside, index=False)
    with atomic_write(output / PAGE) as beside:
        beside.write_text(page, encoding="utf8")
    return manifest.result is not None


def _sections(csvs: dict, top: int) -> List[dict]:
    entities, trends = csvs["entities.csv"], csvs["trends.csv"]
    sections = []
    for label, rows in entities.groupby("label", sort=True):
        rows = rows.head(top)
        shown = rows[["name", "documents", "mentions", "spellings", "probability"]]
        text = "The entities that are in most documents. Spellings that differ in case, punctuation or number are one."
        sections.append(make_section(label, text, shown, "entities.csv", [bars(rows, label)]))
    text = (
        "Pairs in the same documents more often than by chance, the least likely by chance first: the documents with "
        "both, with either, and with both as expected by chance; the log-likelihood ratio, and the pointwise mutual "
        "information in bits."
    )
    columns = ["name_1", "name_2", "together", "documents_1", "documents_2", "expected", "log_likelihood", "pmi"]
    sections.append(make_section("Pairs", text, csvs["pairs.csv"][columns].head(top), "pairs.csv"))
    if len(trends):
        figures = [lines(_most_frequent(rows, entities), label) for label, rows in trends.groupby("label")]
        text = "The share of each year's documents that the most frequent entities are in."
        sections.append(make_section("Trends", text, DataFrame(), "trends.csv", figures))
    if csvs["doubtful.csv"].empty:
        return sections
    text = (
        "Entities about which the pipeline is likely to be wrong most often, by its own probabilities: how many of the "
        "mentions it found are expected to be wrong, how many it is expected to have missed, and the most doubtful "
        "one. They are worth labelling next (see 'bio-ner suggest')."
    )
    columns = ["label", "name", "mentions", "wrong", "missed", "probability", "document", "context"]
    sections.append(make_section("Doubts", text, csvs["doubtful.csv"][columns].head(top), "doubtful.csv"))
    return sections


def _most_frequent(trends: DataFrame, entities: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): The trends of the most frequent entities, with the years in which they are in no
    document."""
    wanted = entities.merge(trends[tables.KEY].drop_duplicates(), on=tables.KEY).head(LINES)
    years = range(int(trends["year"].min()), int(trends["year"].max()) + 1)
    every = wanted[["form", "name"]].merge(pandas.Series(years, name="year"), how="cross")
    shares = trends[["form", "year", "share"]].astype({"year": "int64"})
    return every.merge(shares, on=["form", "year"], how="left").fillna({"share": 0.0})
