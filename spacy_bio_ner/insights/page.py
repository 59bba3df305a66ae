"""The tables and figures of a run on one HTML page that needs nothing else."""

import io
from typing import Any, Dict, List

from jinja2 import Environment
from markupsafe import Markup
from matplotlib.figure import Figure
from pandas import DataFrame

MAX_NAME = 40  # characters of a name in a figure
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; font-size: 14px }
th, td { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
section { margin-bottom: 3em } svg { max-width: 100%; height: auto } p { max-width: 50em }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p>{{ summary }}</p>
{% for section in sections %}
<section>
<h2>{{ section.title }}</h2>
<p>{{ section.text }} All of them: <a href="{{ section.file }}">{{ section.file }}</a>.</p>
{% for figure in section.figures %}{{ figure }}{% endfor %}
{% if section.rows %}
<table>
<tr>{% for name in section.columns %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in section.rows %}
<tr>{% for value in row %}
<td{% if value is number %} class="number"{% endif %}>{{ value | shown }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% endif %}
</section>
{% endfor %}
</body>
</html>
"""


def render(title: str, summary: str, sections: List[Dict[str, Any]]) -> str:
    """Make the page.

    title (str): Its title.
    summary (str): What stands below it.
    sections (List[Dict[str, Any]]): The sections, from make_section.
    RETURNS (str): The page.
    """
    environment = Environment(autoescape=True)
    environment.filters["shown"] = lambda value: f"{value:.3g}" if isinstance(value, float) else value
    return environment.from_string(TEMPLATE).render(title=title, summary=summary, sections=sections)


def make_section(title: str, text: str, table: DataFrame, file: str, figures: List[Figure] = []) -> Dict[str, Any]:
    """Make a section of the page.

    title (str): Its title.
    text (str): What the table shows.
    table (DataFrame): The table, of which every row is shown.
    file (str): The file that has all of its rows.
    figures (List[Figure]): The figures.
    RETURNS (Dict[str, Any]): The section.
    """
    return {
        "title": title,
        "text": text,
        "file": file,
        "columns": [str(name).replace("_", " ") for name in table.columns],
        "rows": [[getattr(value, "item", lambda: value)() for value in row] for row in table.itertuples(index=False)],
        "figures": [_svg(figure) for figure in figures],
    }


def bars(table: DataFrame, label: str) -> Figure:
    """RETURNS (Figure): The documents that entities are in, a bar for each row of the table."""
    figure = Figure(figsize=(7, 0.6 + 0.25 * len(table)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(table)), table["documents"], color="#4477aa")
    axes.set_yticks(range(len(table)), table["name"].str.slice(0, MAX_NAME))
    axes.invert_yaxis()
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="documents", title=label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def lines(table: DataFrame, label: str) -> Figure:
    """RETURNS (Figure): The share of each year's documents that entities are in, a line for each entity."""
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, rows in table.groupby("name", sort=False):
        axes.plot(rows["year"].astype(int), rows["share"].astype(float), marker="o", label=str(name)[:MAX_NAME])
    axes.set(ylabel="share of the year's documents", title=label)
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize="small", frameon=False)
    return figure


def _svg(figure: Figure) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return Markup(buffer.getvalue()[buffer.getvalue().index("<svg") :])
