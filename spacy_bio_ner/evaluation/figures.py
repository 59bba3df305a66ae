"""Figures of evaluations, drawn with matplotlib."""

from pathlib import Path
from typing import Dict

from ..corpora.record import CorpusError
from .calibration import Judgements, expected_calibration_error, reliability


def reliability_diagram(judgements: Dict[str, Judgements], path: Path) -> None:
    """Draw the share of right entities against their confidence, in bins of equal size.

    judgements (Dict[str, Judgements]): The entities to show side by side, by the title of each picture.
    path (Path): The PNG file to write.
    RAISES (CorpusError): If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise CorpusError('matplotlib is needed to draw: pip install "spacy-bio-ner[report]"') from None
    figure = Figure(figsize=(4.2 * len(judgements), 4.2), layout="constrained")
    for axes, (title, entities) in zip(figure.subplots(1, len(judgements), squeeze=False)[0], judgements.items()):
        mean, share, _ = reliability(entities.probabilities, entities.right).T
        error = expected_calibration_error(entities.probabilities, entities.right)
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axes.plot(mean, share, marker="o", markersize=4, linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="confidence", ylabel="share of right entities")
        axes.set_title(f"{title}: calibration error {error:.3f}")
    figure.savefig(path, format="png", dpi=150)
