"""The figure of insights, in the style of those of evaluations. What it is about is said beside it: no text from data
is drawn, since no font has all characters."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas import Series

from ..evaluation.figures import INK, new_figure


def trend(years: Series, shares: Series, highest: float) -> Figure:
    """Draw the share of each year's documents that an entity is in.

    years (Series): The years.
    shares (Series): The share of each.
    highest (float): The highest share of the entities that are shown side by side.
    RETURNS (Figure): The figure.
    """
    figure, [axes] = new_figure(width=2.2, height=1.1)
    axes.plot(years.astype(int), shares.astype(float), color=INK, marker="o", markersize=3, clip_on=False)
    axes.set_ylim(0, highest)
    axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(2))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    return figure
