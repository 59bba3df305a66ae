"""Figures of evaluations, drawn with matplotlib."""

from typing import TYPE_CHECKING, Dict, Sequence, Tuple

from ..util import InputError
from .calibration import Judgements, expected_calibration_error, reliability
from .curve import Dial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 4.2
INK, QUIET, GRID = "#1f4e79", "#6b7280", "#d1d5db"
# Thresholds named on the curve of precision against recall.
MARKED = (0.5, 0.8, 0.9, 0.95, 0.99)


def reliability_diagram(judgements: Dict[str, Judgements]) -> "Figure":
    """Draw the share of right entities against their confidence, in bins of equal size.

    judgements (Dict[str, Judgements]): The entities to show side by side, by the title of each picture, which
        may be empty.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, all_axes = _figure(len(judgements))
    for axes, (title, entities) in zip(all_axes, judgements.items()):
        mean, share, _ = reliability(entities.probabilities, entities.right).T
        error = expected_calibration_error(entities.probabilities, entities.right)
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        axes.plot(mean, share, color=INK, marker="o", markersize=4, linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="confidence", ylabel="share of right entities")
        axes.set_title(": ".join(filter(None, (title, f"calibration error {error:.3f}"))))
    return figure


def precision_recall_curve(dial: Dial) -> "Figure":
    """Draw precision against recall as the threshold rises.

    dial (Dial): The curve.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, [axes] = _figure(1)
    axes.plot(dial.recall, dial.precision, color=INK, linewidth=1.5)
    for threshold in MARKED:
        point = int((dial.thresholds > threshold).sum())
        if 0 < point < len(dial.thresholds):
            x, y = dial.recall[point], dial.precision[point]
            axes.plot(x, y, color=INK, marker="o", markersize=4)
            axes.annotate(f"{threshold:g}", (x, y), (-4, -11), textcoords="offset points", ha="right", color=QUIET)
    axes.set(xlim=(0, 1), ylim=(min(0.5, dial.precision.min()), 1.005), xlabel="recall", ylabel="precision")
    return figure


def learning_curve(points: Sequence[Tuple[int, float, Tuple[float, float]]]) -> "Figure":
    """Draw scores against the size of what was trained on. Models of one size are joined at their mean.

    points (Sequence[Tuple[int, float, Tuple[float, float]]]): For each model the number of Docs it was trained on, its
        F-score, and the interval of that.
    RETURNS (Figure): The figure.
    RAISES (InputError): If matplotlib is not installed.
    """
    figure, [axes] = _figure(1)
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


def _figure(n_axes: int) -> Tuple["Figure", Sequence["Axes"]]:
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE * n_axes, SIZE), layout="constrained")
    all_axes = figure.subplots(1, n_axes, squeeze=False)[0]
    for axes in all_axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, all_axes
