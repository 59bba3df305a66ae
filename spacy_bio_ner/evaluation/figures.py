"""Figures of evaluations, drawn with matplotlib, and what figures of others take from them: size, colours, and that no
text is taken for mathematics."""

import base64
import io
from typing import TYPE_CHECKING, Dict, Optional, Sequence, Tuple

from ..util import InputError
from .calibration import ScoredEntities, expected_calibration_error, reliability
from .precision_recall import PrecisionRecallCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 4.2
INK, ACCENT, QUIET, GRID = "#1f4e79", "#b45a3c", "#6b7280", "#d1d5db"
# Thresholds named on the curve of precision against recall.
MARKED = (0.5, 0.8, 0.9, 0.95, 0.99)


def reliability_diagram(entities: Dict[str, ScoredEntities]) -> "Figure":
    """Draw the share of right entities against their probability, in bins of equal size.

    entities (Dict[str, ScoredEntities]): The entities to show side by side, by the title of each picture, which may be
        empty.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, all_axes = new_figure(len(entities))
    for axes, (title, (probabilities, right, _)) in zip(all_axes, entities.items()):
        mean, share, _ = reliability(probabilities, right).T
        error = expected_calibration_error(probabilities, right)
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        axes.plot(mean, share, color=INK, marker="o", markersize=4, linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="probability", ylabel="share of right entities")
        axes.set_title(": ".join(filter(None, (title, f"calibration error {error:.3f}"))))
    return figure


def precision_recall_plot(curve: PrecisionRecallCurve, own: Optional[Tuple[float, float]] = None) -> "Figure":
    """Draw precision against recall as the threshold rises.

    curve (PrecisionRecallCurve): The curve.
    own (Optional[Tuple[float, float]]): Recall and precision of the pipeline with the thresholds that it has.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, [axes] = new_figure()
    axes.plot(curve.recall, curve.precision, color=INK, linewidth=1.5)
    if own is not None:
        axes.plot(*own, color=ACCENT, marker="D", markersize=6)
    for threshold in MARKED:
        point = int((curve.thresholds > threshold).sum())
        if 0 < point < len(curve.thresholds):
            x, y = curve.recall[point], curve.precision[point]
            axes.plot(x, y, color=INK, marker="o", markersize=4)
            to, side = ((-4, -11), "right") if x > 0.1 else ((4, -11), "left")
            axes.annotate(f"{threshold:g}", (x, y), to, textcoords="offset points", ha=side, color=QUIET)
    axes.set(xlim=(0, 1), ylim=(min(0.5, curve.precision.min()), 1.005), xlabel="recall", ylabel="precision")
    return figure


def learning_curve(points: Sequence[Tuple[int, float, Tuple[float, float]]]) -> "Figure":
    """Draw scores against the size of what was trained on. Models of one size are joined at their mean.

    points (Sequence[Tuple[int, float, Tuple[float, float]]]): For each model the number of Docs it was trained on, its
        F-score, and the interval of that.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, [axes] = new_figure()
    for size, score, (low, high) in points:
        axes.plot([size, size], [low, high], color=GRID, linewidth=3, solid_capstyle="round")
        axes.plot(size, score, color=INK, marker="o", markersize=4)
    sizes = sorted({point[0] for point in points})
    means = [[score for other, score, _ in points if other == size] for size in sizes]
    axes.plot(sizes, [sum(scores) / len(scores) for scores in means], color=INK, linewidth=1)
    axes.set(xlim=(0, 1.05 * sizes[-1]), xlabel="Docs trained on", ylabel="F")
    return figure


def require_matplotlib() -> None:
    """RAISES (InputError): If matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise InputError('matplotlib is needed to draw: pip install "spacy-bio-ner[report]"') from None


def new_figure(n_axes: int = 1, width: float = SIZE, height: float = SIZE) -> Tuple["Figure", Sequence["Axes"]]:
    """Make a figure.

    n_axes (int): The number of axes, side by side.
    width (float): The width of each, in inches.
    height (float): Their height.
    RETURNS (Tuple[Figure, Sequence[Axes]]): The figure and its axes.
    RAISES (InputError): If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * n_axes, height), layout="constrained")
    all_axes = figure.subplots(1, n_axes, squeeze=False)[0]
    for axes in all_axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, all_axes


def data_uri(figure: "Figure") -> str:
    """RETURNS (str): A figure as the address of an SVG image that holds it. Dollar signs in its texts, which may come
    from data, are what they are: matplotlib would take what is between two of them for a formula."""
    from matplotlib import rc_context
    from matplotlib.text import Text

    file = io.BytesIO()
    with rc_context({"text.parse_math": False}):
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
