"""The commands `python -m spacy bio-ner ...`."""

from ._app import bio_ner_cli
from .audit import audit_cli
from .calibrate import calibrate_cli, threshold_cli
from .convert import convert_cli
from .evaluate import evaluate_cli
from .export import export_cli

__all__ = ["audit_cli", "bio_ner_cli", "calibrate_cli", "convert_cli", "evaluate_cli", "export_cli", "threshold_cli"]
