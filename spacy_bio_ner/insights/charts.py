"""Figures of insights, in the style of those of evaluations."""

import unicodedata

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from ..evaluation.figures import INK, QUIET, SIZE, new_figure

MAX_NAME = 28  # characters of a name


def bars(table: DataFrame) -> Figure:
    """Draw how many documents entities are in.

    table (DataFrame): A row for each entity: name, documents.
    RETURNS (Figure): A bar for each row.
    """
    figure, [[axes]] = new_figure(1, 1, SIZE, 0.6 + 0.24 * len(table))
    axes.barh(range(len(table)), table["documents"], color=INK, height=0.6)
    axes.set_yticks(range(len(table)), map(short, table["name"]))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel("documents")
    return figure


def trends(table: DataFrame, title: str) -> Figure:
    """Draw the share of each year's documents that entities are in.

    table (DataFrame): A row for each entity and year: name, year, share.
    title (str): The title.
    RETURNS (Figure): A panel for each entity, below each other, on the same axes.
    """
    names = list(table["name"].unique())
    figure, rows = new_figure(len(names), 1, SIZE, 0.7 + 0.85 * len(names), sharex=True, sharey=True)
    figure.suptitle(short(title), x=0.01, ha="left")
    figure.supylabel("share of the year's documents", fontsize="small", color=QUIET)
    for name, [axes] in zip(names, rows):
        of_name = table[table["name"] == name]
        axes.plot(of_name["year"].astype(int), of_name["share"].astype(float), color=INK, marker="o", markersize=3)
        axes.set_title(short(name), loc="left", fontsize="medium")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(2))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    return figure


def short(text: str) -> str:
    """RETURNS (str): A text from data that fits a figure, without characters that have no shape."""
    shown = "".join(" " if unicodedata.category(character).startswith("C") else character for character in text)
    return shown if len(shown) <= MAX_NAME else f"{shown[: MAX_NAME - 1]}…"
