"""The commands `python -m spacy bio-ner ...`."""

from ._app import bio_ner_cli
from .annotate import annotate_cli
from .ask import ask_cli
from .audit import audit_cli
from .calibrate import calibrate_cli
from .convert import convert_cli
from .distill import distill_cli
from .evaluate import evaluate_cli
from .export import export_cli
from .insights import insights_cli
from .report import report_cli
from .suggest import suggest_cli
from .threshold import threshold_cli

__all__ = [
    "annotate_cli",
    "ask_cli",
    "audit_cli",
    "bio_ner_cli",
    "calibrate_cli",
    "convert_cli",
    "distill_cli",
    "evaluate_cli",
    "export_cli",
    "insights_cli",
    "report_cli",
    "suggest_cli",
    "threshold_cli",
]
