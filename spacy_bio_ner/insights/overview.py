"""The insights of a run on one HTML page, for people."""

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import pandas
from pandas import DataFrame
from pandas.api.types import is_numeric_dtype

from ..evaluation.figures import data_uri
from ..report.html import make_environment
from . import tables
from .charts import trend

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
    text = "The entities that are in most documents. Spellings that differ in case, punctuation or number are one."
    for label, rows in entities.groupby("label", sort=True):
        shown = rows[["name", "documents", "mentions", "spellings", "probability"]].head(top)
        sections.append(_section(str(label), text, "entities.csv", shown, bars="documents"))
    text = (
        "Pairs in the same documents more often than by chance, the least likely by chance first: the documents with "
        "both, with either, and with both as expected by chance; the log-likelihood ratio, and the pointwise mutual "
        "information in bits."
    )
    columns = ["name_1", "name_2", "together", "documents_1", "documents_2", "expected", "log_likelihood", "pmi"]
    sections.append(_section("Pairs", text, "pairs.csv", csvs["pairs.csv"][columns].head(top)))
    if len(by_year):
        text = "The share of each year's documents that the most frequent entities are in."
        figures = {str(label): _trends(rows, entities) for label, rows in by_year.groupby("label")}
        sections.append(_section("Trends", text, "trends.csv", figures=figures))
    if len(errors):
        text = (
            "Entities about which the pipeline is likely to be wrong most often, by its own probabilities: how many of "
            "the mentions it found are expected to be wrong, how many it is expected to have missed, and the mention "
            "that it is least sure of. They are worth labelling next (see 'bio-ner suggest')."
        )
        columns = ["label", "name", "mentions", "wrong", "missed", "probability", "document", "context"]
        sections.append(_section("Expected errors", text, "expected_errors.csv", errors[columns].head(top)))
    return sections


def _section(
    title: str,
    text: str,
    file: str,
    table: DataFrame = DataFrame(),
    bars: Optional[str] = None,
    figures: Mapping[str, Sequence[Tuple[str, str]]] = {},
) -> Dict[str, Any]:
    """Make what the template takes as a section.

    title (str): Its title.
    text (str): What it shows.
    file (str): The file that has all rows.
    table (DataFrame): The rows to show.
    bars (Optional[str]): The column whose numbers have bars.
    figures (Mapping[str, Sequence[Tuple[str, str]]]): Names and figures, by a title.
    RETURNS (Dict[str, Any]): The section.
    """
    table = table.rename(columns=lambda name: name.replace("_", " "))
    return {
        "title": title,
        "text": text,
        "file": file,
        "columns": list(table.columns),
        "texts": [name for name, dtype in table.dtypes.items() if not is_numeric_dtype(dtype)],
        "rows": table.astype(object).to_dict("records"),
        "bars": bars,
        "longest": None if bars is None else table[bars].max(),
        "figures": figures,
    }


def _trends(by_year: DataFrame, entities: DataFrame) -> List[Tuple[str, str]]:
    """RETURNS (List[Tuple[str, str]]): The most frequent entities of a label, and the trend of each, in which the years
    without it count too."""
    wanted = entities.merge(by_year[tables.KEY].drop_duplicates(), on=tables.KEY).head(TRENDS)
    years = range(int(by_year["year"].min()), int(by_year["year"].max()) + 1)
    every = wanted[["form", "name"]].merge(pandas.Series(years, name="year"), how="cross")
    shares = every.merge(by_year[["form", "year", "share"]].astype({"year": "int64"}), on=["form", "year"], how="left")
    shares = shares.fillna({"share": 0.0})
    return [
        (rows["name"].iloc[0], data_uri(trend(rows["year"], rows["share"], shares["share"].max())))
        for _, rows in shares.groupby("form", sort=False)
    ]


def _shown(value: Any) -> Any:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value
