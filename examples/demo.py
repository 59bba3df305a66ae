"""A page to try pipelines on: text in, entities with their probabilities out. Run it with Streamlit:

    python -m streamlit run examples/demo.py [-- MODEL ...]

Without models it offers the installed pipelines that have a bio_ner, and those in training/.
"""

import json
import sys
from itertools import cycle
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pandas
import spacy
import streamlit as st
from markupsafe import escape
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Span
from spacy.util import get_installed_models, get_package_path, load_config

from spacy_bio_ner.evaluation.forecast import bio_ners

TRAINING = Path(__file__).parent.parent / "training"
# Spans less probable than this are not worth a row.
CANDIDATE_THRESHOLD = 0.02
EXAMPLES = {
    "Case report": "Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn infant.",
    "Abstract": (
        "A 61-year-old woman developed acute interstitial nephritis three weeks after she had started omeprazole for "
        "reflux. Rechallenge with pantoprazole brought back fever and eosinophilia, and prednisolone was given."
    ),
    "Assistant": "Book a table for four at an Italian place in Lisbon tomorrow at 8 pm.",
}
COLORS = ("#f3c98b", "#a9c8e8", "#b5d8b0", "#e3b5d2", "#cfc3e8", "#f2b8a6", "#bfdcdc", "#e0d68f")
ENTITY, BELOW, CANDIDATE = "entity", "below threshold", "candidate"


class Found(NamedTuple):
    """An entity or a candidate. Its alternatives are texts, labels and probabilities; no text is no entity."""

    start: int
    end: int
    text: str
    label: str
    probability: Optional[float]
    chosen: bool
    alternatives: List[Tuple[Optional[str], Optional[str], float]]

    def state(self, threshold: float) -> str:
        """RETURNS (str): What it is at a threshold."""
        if not self.chosen:
            return CANDIDATE
        return BELOW if self.probability is not None and self.probability < threshold else ENTITY


def find_pipelines(given: List[str]) -> List[str]:
    """RETURNS (List[str]): The pipelines that are given, or else those that are installed or trained and have a
    bio_ner. One whose config cannot be read is among them: loading it tells what is wrong."""
    if given:
        return given
    paths = {name: next(get_package_path(name).glob("*/config.cfg"), None) for name in get_installed_models()}
    paths.update({str(path): path / "config.cfg" for path in sorted(TRAINING.glob("*/model-calibrated"))})
    return [name for name, config in paths.items() if config is None or _may_have_bio_ner(config)]


def _may_have_bio_ner(config: Path) -> bool:
    try:
        components = load_config(config)["components"].values()
    except (OSError, ValueError, KeyError):
        return True
    return any(component.get("factory") == "bio_ner" for component in components)


@st.cache_resource(show_spinner="Loading the pipeline")
def load(model: str) -> Tuple[Language, float]:
    """RETURNS (Tuple[Language, float]): The pipeline, made to find candidates and to leave out nothing, and the
    threshold that it comes with."""
    nlp = spacy.load(model)
    components = bio_ners(nlp)
    if not components:
        raise ValueError(f"the pipeline has no bio_ner (it has {', '.join(nlp.pipe_names) or 'none'})")
    threshold = max(component.cfg["threshold"] for component in components)
    for component in components:
        component.cfg.update(candidate_threshold=CANDIDATE_THRESHOLD, threshold=0.0)
    return nlp, threshold


@st.cache_data(show_spinner="Reading", max_entries=100)
def analyse(model: str, text: str) -> List[Found]:
    """RETURNS (List[Found]): The entities and candidates of a text. Run once for a text and a pipeline: the threshold
    is a matter of the page alone."""
    doc = load(model)[0](text)
    keys = [component.cfg["spans_key"] for component in bio_ners(load(model)[0])]
    candidates = [span for key in keys for span in doc.spans.get(key, ())]
    spans = {(span.start, span.end, span.label): span for span in [*candidates, *doc.ents]}
    ents = {(ent.start, ent.end, ent.label) for ent in doc.ents}
    found = [_found(span, key in ents) for key, span in spans.items()]
    return sorted(found, key=lambda span: (span.start, span.end, -(span.probability or 0.0)))


def _found(span: Span, chosen: bool) -> Found:
    alternatives = [
        (other and other.text, other and other.label_, probability)
        for other, probability in span._.alternatives
        if other is None or probability >= CANDIDATE_THRESHOLD
    ]
    place = (span.start_char, span.end_char, span.text, span.label_)
    return Found(*place, span._.confidence, chosen, alternatives)


def highlight(text: str, entities: List[Found], labels: List[str]) -> str:
    """RETURNS (str): The text with entities in it, as HTML. displaCy escapes the text, but not the labels."""
    ents = [{"start": e.start, "end": e.end, "label": e.label, "params": {"label": escape(_name(e))}} for e in entities]
    options = {"colors": dict(zip(labels, cycle(COLORS)))}
    return displacy.render({"text": text, "ents": ents}, style="ent", manual=True, jupyter=False, options=options)


def _name(ent: Found) -> str:
    return ent.label if ent.probability is None else f"{ent.label} {ent.probability:.2f}"


def to_json(model: str, text: str, threshold: float, found: List[Found]) -> str:
    """RETURNS (str): All that is on the page."""

    def row(span: Found) -> Dict[str, Any]:
        alternatives = [dict(zip(("text", "label", "probability"), other)) for other in span.alternatives]
        return {**span._asdict(), "state": span.state(threshold), "alternatives": alternatives}

    data = {"model": model, "text": text, "threshold": threshold, "spans": [row(span) for span in found]}
    return json.dumps(data, ensure_ascii=False, indent=2)


def main() -> None:
    """Show the page."""
    st.set_page_config("Entities and how sure they are", layout="wide")
    st.header("Entities and how sure they are")
    pipelines = find_pipelines(sys.argv[1:])
    if not pipelines:
        st.error("There is no pipeline with a bio_ner: train one with `python -m spacy project run all .`")
        st.stop()
    model = st.sidebar.selectbox("Pipeline", pipelines, format_func=lambda name: "/".join(Path(name).parts[-2:]))
    try:
        nlp, own_threshold = load(model)
    except Exception as err:  # a pipeline is code of its own, and any of it may fail
        st.error(f"{model}: cannot load the pipeline: {err}")
        st.stop()
    about = "Entities less probable are left out"
    threshold = st.sidebar.slider("Threshold", 0.0, 1.0, own_threshold, 0.01, key=f"threshold of {model}", help=about)
    labels = sorted({label for component in bio_ners(nlp) for label in component.labels})
    st.sidebar.caption(f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}: {', '.join(labels)}")

    if "text" not in st.session_state:
        st.session_state.text = next(iter(EXAMPLES.values()))
    st.pills("Examples", list(EXAMPLES), key="example", on_change=_take_example)
    text = st.text_area("Text", key="text", height=110)
    try:
        found = analyse(model, text)
    except ValueError as err:  # such as a text longer than the pipeline takes
        st.error(str(err))
        st.stop()

    st.html(highlight(text, [span for span in found if span.state(threshold) == ENTITY], labels))
    if not found:
        st.info("No entity, and no candidate.")
        st.stop()
    left, right = st.columns([5, 4], gap="small")
    with left:
        st.subheader("Entities and candidates")
        selected = _table(
            [(span.text, span.label, span.probability, span.state(threshold)) for span in found],
            ("text", "label", "probability", "state"),
            key=f"spans of {model} {text}",
        )
    with right:
        st.subheader("Alternatives")
        if selected is None:
            st.caption("Select a row to see what else it could be.")
        else:
            span = found[selected]
            st.text(f"Instead of “{span.text}”, {_name(span)}:")
            rows = [(other or "no entity", label or "", p) for other, label, p in span.alternatives]
            _table(rows, ("text", "label", "probability"))
    data = to_json(model, text, threshold, found)
    st.download_button("Download as JSON", data, "entities.json", "application/json", on_click="ignore")


def _take_example() -> None:
    if st.session_state.example:
        st.session_state.text = EXAMPLES[st.session_state.example]


def _table(rows: List[Tuple], columns: Tuple[str, ...], key: Optional[str] = None) -> Optional[int]:
    """Show a table.

    RETURNS (Optional[int]): The index of the selected row. Rows can be selected if the table has a key.
    """
    bar = st.column_config.ProgressColumn(width=125, min_value=0.0, max_value=1.0, format="%.2f")
    frame = pandas.DataFrame(rows, columns=list(columns))
    text = st.column_config.TextColumn(width=170)
    options: Dict[str, Any] = {"hide_index": True, "column_config": {"probability": bar, "text": text}}
    if key is None:
        st.dataframe(frame, **options)
        return None
    selection = st.dataframe(frame, **options, key=key, on_select="rerun", selection_mode="single-row").selection
    return selection.rows[0] if selection.rows else None


if __name__ == "__main__":
    main()
