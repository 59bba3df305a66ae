"""Pages of HTML that need no other file, with everything in them escaped: for the report, and for insights.

What they have in common is in templates/: head.html, with the style sheet report.css in it.
"""

from typing import Any, Callable

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def make_environment(package: str, **filters: Callable[..., Any]) -> Environment:
    """Make what renders the templates of a package, which can include those of the report.

    package (str): The package, with a folder "templates".
    **filters (Callable[..., Any]): The filters that its templates use.
    RETURNS (Environment): The environment.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment
