"""Tables of what a run found, as data frames. An entity here is a label and a normal form; the name it is shown by is
its most frequent spelling."""

from itertools import combinations
from typing import Optional, Tuple

import numpy
import pandas
import pyarrow
from pandas import DataFrame, Series
from pyarrow import compute

from ..annotate.outputs import CANDIDATES, DOCUMENTS, ENTITIES
from ..annotate.results import Results
from .spelling import normal_forms

KEY = ["label", "form"]
CONTEXT = 60  # characters on each side of a mention


def read_mentions(results: Results) -> DataFrame:
    """Read the entities of a run, and the candidates, which were not taken as entities.

    results (Results): The run.
    RETURNS (DataFrame): A row for each mention: document, start, end, text, label, probability, is_entity, form.
    """
    columns = ["document", "start", "end", "text", "label", "probability"]
    tables = []
    for name, is_entity in ((ENTITIES, True), (CANDIDATES, False)):
        table = results.table(name).to_table(columns=columns)
        tables.append(table.append_column("is_entity", pyarrow.repeat(is_entity, len(table))))
    # A text that occurs often is held once
    mentions = pyarrow.concat_tables(tables).to_pandas(categories=["document", "text", "label"])
    forms = mentions["text"].astype(str).copy()
    for _, texts in mentions.groupby("label", observed=True)["text"]:
        forms.loc[texts.index] = texts.map(normal_forms(texts.unique())).astype(str)
    return mentions.assign(form=forms.astype("category"))


def read_years(results: Results) -> Series:
    """RETURNS (Series): The year of each document by its id; NA where there is no date with a year in it."""
    documents = results.table(DOCUMENTS).to_table(columns=["document", "date"]).to_pandas()
    years = documents["date"].astype("string").str.extract(r"\b(1[5-9]\d\d|20\d\d)", expand=False)
    return years.astype("Int64").set_axis(documents["document"])


def frequent(mentions: DataFrame) -> DataFrame:
    """Count entities.

    mentions (DataFrame): The mentions, from read_mentions.
    RETURNS (DataFrame): label, form, name, documents, mentions, spellings (how many) and the mean probability, those
        in most documents first.
    """
    groups = mentions.groupby(KEY, observed=True)
    table = groups.agg(
        documents=("document", "nunique"),
        mentions=("document", "size"),
        spellings=("text", "nunique"),
        probability=("probability", "mean"),
    ).reset_index()
    return _named(table, mentions).sort_values(
        ["documents", "mentions", "form"], ascending=[False, False, True], ignore_index=True
    )[[*KEY, "name", "documents", "mentions", "spellings", "probability"]]


def pairs(mentions: DataFrame, n_documents: int, labels: Optional[Tuple[str, str]] = None) -> DataFrame:
    """Find pairs of entities with different labels that occur in the same documents more often than by chance.

    They are ranked by the log-likelihood ratio of their 2x2 table of documents (T. Dunning 1993, Accurate methods for
    the statistics of surprise and coincidence), which unlike pointwise mutual information does not favour the rare.

    mentions (DataFrame): The mentions, from read_mentions.
    n_documents (int): How many documents there are, those without mentions included.
    labels (Optional[Tuple[str, str]]): The two labels; each two that there are if None.
    RETURNS (DataFrame): label_1, form_1, name_1, label_2, form_2, name_2, together (the documents with both),
        documents_1, documents_2, expected (documents with both by chance), log_likelihood (of natural logarithms),
        pmi (in bits), the least likely by chance first.
    """
    within = mentions[["document", *KEY]].drop_duplicates()
    counts = frequent(mentions)[[*KEY, "name", "documents"]]
    found = sorted(counts["label"].unique())
    tables = [_together(within, counts, *both) for both in ([labels] if labels else combinations(found, 2))]
    # Of a single label there are no pairs
    table = pandas.concat([table for table in tables if len(table)] or [_together(within, counts, "", "")])
    together, n_1, n_2 = (table[name].astype(float) for name in ("together", "documents_1", "documents_2"))
    table = table.assign(
        expected=n_1 * n_2 / n_documents,
        log_likelihood=log_likelihood(together, n_1, n_2, n_documents),
        pmi=numpy.log2(together * n_documents / (n_1 * n_2)),
    )
    table = table[table["together"] > table["expected"]]
    columns = [f"{name}{side}" for side in ("_1", "_2") for name in (*KEY, "name")]
    return table.sort_values(["log_likelihood", "form_1", "form_2"], ascending=[False, True, True], ignore_index=True)[
        [*columns, "together", "documents_1", "documents_2", "expected", "log_likelihood", "pmi"]
    ]


def _together(within: DataFrame, counts: DataFrame, first: str, second: str) -> DataFrame:
    """RETURNS (DataFrame): The pairs of entities with two labels, and how many documents have both."""
    sides = [within.loc[within["label"] == label, ["document", "form"]] for label in (first, second)]
    table = sides[0].merge(sides[1], on="document", suffixes=("_1", "_2"))
    table = table.groupby(["form_1", "form_2"], observed=True).size().rename("together").reset_index()
    for side, label in (("_1", first), ("_2", second)):
        table = table.merge(counts[counts["label"] == label].add_suffix(side), on=f"form{side}")
    return table


def log_likelihood(together: Series, n_1: Series, n_2: Series, n: int) -> Series:
    """RETURNS (Series): The log-likelihood ratio G2 = 2 * sum of O * ln(O / E) over the four cells of each table."""
    total = 0.0
    for observed, expected in (
        (together, n_1 * n_2),
        (n_1 - together, n_1 * (n - n_2)),
        (n_2 - together, (n - n_1) * n_2),
        (n - n_1 - n_2 + together, (n - n_1) * (n - n_2)),
    ):
        ratio = (observed * n / expected).where(observed > 0, 1.0)  # 0 * ln(0) is 0
        total = total + 2 * observed * numpy.log(ratio)
    return total


def trends(mentions: DataFrame, years: Series) -> DataFrame:
    """Count entities by year.

    mentions (DataFrame): The mentions, from read_mentions.
    years (Series): The year of each document by its id, from read_years.
    RETURNS (DataFrame): label, form, name, year, documents (of the year with the entity), of (all of the year) and
        share, for the documents that have a year.
    """
    per_year = years.dropna().value_counts()
    dated = mentions.assign(year=mentions["document"].astype(str).map(years)).dropna(subset="year")
    table = dated.groupby([*KEY, "year"], observed=True)["document"].nunique().rename("documents").reset_index()
    table = table.assign(of=table["year"].map(per_year))
    table = _named(table.assign(share=table["documents"] / table["of"]), mentions)
    return table.sort_values([*KEY, "year"], ignore_index=True)[[*KEY, "name", "year", "documents", "of", "share"]]


def expected_errors(mentions: DataFrame, results: Results, n: int) -> DataFrame:
    """Find the entities about which the pipeline is likely to be wrong most often, by its own probabilities.

    mentions (DataFrame): The mentions, from read_mentions, candidates included.
    results (Results): The run, which has the texts.
    n (int): How many entities to find.
    RETURNS (DataFrame): label, form, name, mentions, wrong (how many of them are expected to be wrong: the sum of what
        their probabilities lack to 1), missed (how many candidates are expected to be right: the sum of theirs), and
        of the one it is least sure of probability, document, start, end and context, the most wrong and missed first.
    """
    known = mentions.dropna(subset="probability")
    wrong = (1 - known["probability"]).where(known["is_entity"], 0.0)
    missed = known["probability"].where(~known["is_entity"], 0.0)
    known = known.assign(wrong=wrong, missed=missed, errors=wrong + missed)
    groups = known.groupby(KEY, observed=True)
    table = groups.agg(
        mentions=("is_entity", "sum"), wrong=("wrong", "sum"), missed=("missed", "sum"), errors=("errors", "sum")
    ).reset_index()
    table = table.sort_values(["errors", "form"], ascending=[False, True]).head(n)
    examples = known.loc[groups["errors"].idxmax(), [*KEY, "probability", "document", "start", "end"]]
    table = _named(table, mentions).merge(examples, on=KEY)
    texts = read_texts(results, table["document"])
    context = [
        texts[row.document][max(0, row.start - CONTEXT) : row.end + CONTEXT] for row in table.itertuples(index=False)
    ]
    columns = [*KEY, "name", "mentions", "wrong", "missed", "probability", "document", "start", "end"]
    return table[columns].assign(context=context)


def read_texts(results: Results, documents: Series) -> Series:
    """RETURNS (Series): The texts of some documents of a run by their ids."""
    wanted = compute.field("document").isin(pyarrow.array(documents.astype(str).unique(), pyarrow.string()))
    table = results.table(DOCUMENTS).to_table(columns=["document", "text"], filter=wanted).to_pandas()
    return table.set_index("document")["text"]


def _named(table: DataFrame, mentions: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): The table with the most frequent spelling of each entity, or the first by alphabet."""
    spellings = mentions.groupby([*KEY, "text"], observed=True).size().rename("n").reset_index()
    spellings = spellings.assign(text=spellings["text"].astype(str)).sort_values(["n", "text"], ascending=[False, True])
    names = spellings.drop_duplicates(KEY).rename(columns={"text": "name"})[[*KEY, "name"]]
    return table.merge(names, on=KEY).astype(dict.fromkeys(KEY, str))
