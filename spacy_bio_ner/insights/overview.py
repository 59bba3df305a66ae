"""The insights of a run on one HTML page, for people."""

from typing import Any, Dict, List, Sequence

import pandas
from matplotlib.figure import Figure
from pandas import DataFrame
from pandas.api.types import is_numeric_dtype

from ..evaluation.figures import data_uri
from ..report.html import make_environment
from . import tables
from .charts import bars, trends

TRENDS = 6  # entities of a label whose trends are drawn


def render(title: str, version: str, summary: str, csvs: Dict[str, DataFrame], top: int) -> str:
    """Make the page.

    title (str): Its title.
    version (str): What stands smaller beside it.
    summary (str): What stands below it.
    csvs (Dict[str, DataFrame]): The tables, by the names of the files they are in.
    top (int): How many rows of a table to show.
    RETURNS (str): The page, HTML.
    """
    template = make_environment(__package__, shown=_shown).get_template("insights.html")
    return template.render(title=title, version=version, summary=summary, sections=_sections(csvs, top))


def _sections(csvs: Dict[str, DataFrame], top: int) -> List[Dict[str, Any]]:
    entities, by_year, errors = (csvs[f"{name}.csv"] for name in ("entities", "trends", "expected_errors"))
    sections = []
    for label, rows in entities.groupby("label", sort=True):
        rows = rows.head(top)
        shown = rows[["name", "documents", "mentions", "spellings", "probability"]]
        text = "The entities that are in most documents. Spellings that differ in case, punctuation or number are one."
        sections.append(_section(str(label), text, shown, "entities.csv", [bars(rows)]))
    text = (
        "Pairs in the same documents more often than by chance, the least likely by chance first: the documents with "
        "both, with either, and with both as expected by chance; the log-likelihood ratio, and the pointwise mutual "
        "information in bits."
    )
    columns = ["name_1", "name_2", "together", "documents_1", "documents_2", "expected", "log_likelihood", "pmi"]
    sections.append(_section("Pairs", text, csvs["pairs.csv"][columns].head(top), "pairs.csv"))
    if len(by_year):
        figures = [trends(_most_frequent(rows, entities), str(label)) for label, rows in by_year.groupby("label")]
        text = "The share of each year's documents that the most frequent entities are in."
        sections.append(_section("Trends", text, DataFrame(), "trends.csv", figures))
    if len(errors):
        text = (
            "Entities about which the pipeline is likely to be wrong most often, by its own probabilities: how many of "
            "the mentions it found are expected to be wrong, how many it is expected to have missed, and the mention "
            "that it is least sure of. They are worth labelling next (see 'bio-ner suggest')."
        )
        columns = ["label", "name", "mentions", "wrong", "missed", "probability", "document", "context"]
        sections.append(_section("Expected errors", text, errors[columns].head(top), "expected_errors.csv"))
    return sections


def _section(title: str, text: str, table: DataFrame, file: str, figures: Sequence[Figure] = ()) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): A section: its title, what it shows, the file with all rows, the rows shown and the
    figures."""
    table = table.rename(columns=lambda name: name.replace("_", " "))
    return {
        "title": title,
        "text": text,
        "file": file,
        "columns": list(table.columns),
        "texts": [name for name, dtype in table.dtypes.items() if not is_numeric_dtype(dtype)],
        "rows": table.astype(object).to_dict("records"),
        "figures": [data_uri(figure) for figure in figures],
    }


def _shown(value: Any) -> Any:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value


def _most_frequent(by_year: DataFrame, entities: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): The trends of the most frequent entities, with the years in which they are in no
    document."""
    wanted = entities.merge(by_year[tables.KEY].drop_duplicates(), on=tables.KEY).head(TRENDS)
    years = range(int(by_year["year"].min()), int(by_year["year"].max()) + 1)
    every = wanted[["form", "name"]].merge(pandas.Series(years, name="year"), how="cross")
    shares = by_year[["form", "year", "share"]].astype({"year": "int64"})
    return every.merge(shares, on=["form", "year"], how="left").fillna({"share": 0.0})
