"""A page to try pipelines on: text in, entities with their probabilities out. Run it with Streamlit:

    python -m streamlit run examples/demo.py [-- MODEL ...]

Without models it offers the installed pipelines that have a bio_ner, and those in training/.
"""

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple, Union

import pandas
import spacy
import streamlit as st
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import get_installed_models, get_package_path, load_config

from spacy_bio_ner.confidence import confidence_keys
from spacy_bio_ner.evaluation.doc_results import bio_ners
from spacy_bio_ner.thresholds import entities_at
from spacy_bio_ner.util import pipeline_name
from spacy_bio_ner.views import label_colors, to_displacy, to_json

TRAINING = Path(__file__).parent.parent / "training"
# Spans less probable than this are not worth a row.
CANDIDATE_THRESHOLD = 0.02
# Texts to begin with, for pipelines that have one of the labels.
EXAMPLES = {
    "Case report": (
        {"dis", "disease", "chem", "chemical"},
        "Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn infant.",
    ),
    "Abstract": (
        {"dis", "disease", "chem", "chemical"},
        "A 61-year-old woman developed acute interstitial nephritis three weeks after she had started omeprazole for "
        "reflux. Rechallenge with pantoprazole brought back fever and eosinophilia, and prednisolone was given.",
    ),
    "Request": (
        {"cuisine", "party_size", "party_size_number", "restaurant_type", "city"},
        "Book a table for four at an Italian place in Lisbon tomorrow at 8 pm.",
    ),
    "News": (
        {"per", "person", "org", "organization", "loc", "location", "geo", "gpe"},
        "Ngozi Okonjo-Iweala met the Swedish government in Stockholm on Monday, the World Trade Organization said.",
    ),
}
ENTITY, BELOW, CANDIDATE = "entity", "too low", "candidate"
# Of the columns of tables, in pixels: all are to be seen on a phone. Where there is room they are wider.
WIDTHS = {"text": 120, "label": 55, "state": 75}
ROW_HEIGHT = 35
Threshold = Union[float, Dict[str, float]]


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
def load(model: str) -> Language:
    """RETURNS (Language): The pipeline, made to keep candidates."""
    nlp = spacy.load(model)
    components = bio_ners(nlp)
    if not components:
        raise ValueError(f"the pipeline has no bio_ner (it has {', '.join(nlp.pipe_names) or 'none'})")
    for component in components:
        component.cfg["candidate_threshold"] = CANDIDATE_THRESHOLD
    return nlp


def labels_of(nlp: Language) -> List[str]:
    """RETURNS (List[str]): The labels of a pipeline's entities."""
    return sorted({label for component in bio_ners(nlp) for label in component.labels})


def own_threshold(nlp: Language) -> Threshold:
    """RETURNS (Union[float, Dict[str, float]]): The threshold that a pipeline comes with, by label if one is."""
    thresholds = [component.cfg["threshold"] for component in bio_ners(nlp)]
    if not any(isinstance(threshold, dict) for threshold in thresholds):
        return max(thresholds)
    known = {
        label: share for threshold in thresholds if isinstance(threshold, dict) for label, share in threshold.items()
    }
    return {label: known.get(label, 0.0) for label in labels_of(nlp)}


@st.cache_resource(show_spinner="Reading", max_entries=100)
def analyse(model: str, text: str) -> Doc:
    """RETURNS (Doc): The Doc of a text. The pipeline runs once for a text: the threshold is a matter of the page."""
    return load(model)(text)


def find_spans(doc: Doc, threshold: Threshold) -> List[Tuple[Span, str]]:
    """RETURNS (List[Tuple[Span, str]]): The entities and candidates of a Doc, and what each is at a threshold."""
    entities, decoded = set(entities_at(doc, threshold)), set(entities_at(doc, 0.0))
    candidates = {span for key in confidence_keys(doc) for span in doc.spans[key]}
    spans = sorted(decoded | candidates, key=lambda span: (span.start, span.end, -(span._.confidence or 0.0)))
    return [(span, ENTITY if span in entities else BELOW if span in decoded else CANDIDATE) for span in spans]


def highlight(doc: Doc, entities: Iterable[Span], labels: Iterable[str]) -> str:
    """RETURNS (str): The text with entities in it, as HTML."""
    shown = to_displacy(doc, entities, label_colors([*labels, *(ent.label_ for ent in doc.ents)]))
    return displacy.render(shown, style="ent", manual=True, jupyter=False)


def examples_for(labels: Iterable[str]) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The example texts that a pipeline with these labels has something to find in."""
    known: Set[str] = {label.lower() for label in labels}
    return {name: text for name, (wanted, text) in EXAMPLES.items() if wanted & known}


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
        nlp = load(model)
    except Exception as err:  # a pipeline is code of its own, and any of it may fail
        st.error(f"{model}: cannot load the pipeline: {err}")
        st.stop()
    labels = labels_of(nlp)
    threshold = _choose_threshold(model, own_threshold(nlp))
    st.sidebar.caption(f"{pipeline_name(nlp.meta, nlp.path)} {nlp.meta['version']}: {', '.join(labels)}")

    examples = examples_for(labels)
    all_examples = {"", *(text for _, text in EXAMPLES.values())}
    if st.session_state.get("text", "") in all_examples - {*examples.values()} and st.session_state.get("of") != model:
        st.session_state.text = next(iter(examples.values()), "")
    st.session_state.of = model
    if examples:
        st.pills("Examples", list(examples), key="example", on_change=_take_example, args=[examples])
    text = st.text_area("Text", key="text", height=110)
    if not text.strip():
        st.info("There is no text yet: write one" + (", or take an example." if examples else "."))
        st.stop()
    try:
        doc = analyse(model, text)
    except ValueError as err:  # such as a text longer than the pipeline takes
        st.error(str(err))
        st.stop()

    spans = find_spans(doc, threshold)
    entities = [span for span, state in spans if state == ENTITY]
    st.html(highlight(doc, entities, labels))
    if not spans:
        st.info("No entity, and no candidate.")
        st.stop()
    st.subheader("Entities and candidates")
    rows = [(span.text, span.label_, span._.confidence, state) for span, state in spans]
    selected = _table(rows, ("text", "label", "probability", "state"), key=f"spans of {model} {text}")
    st.subheader("Alternatives")
    if selected is None:
        st.caption("Select a row to see what else it could be.")
    else:
        span, _ = spans[selected]
        st.text(f"Instead of “{span.text}”, {span.label_}:")
        others = [other for other in span._.alternatives if not other.span or other.probability >= CANDIDATE_THRESHOLD]
        rows = [
            (o.span.text if o.span else "no entity", o.span.label_ if o.span else "", o.probability) for o in others
        ]
        _table(rows, ("text", "label", "probability"))
    data = {"model": model, "threshold": threshold, **to_json(doc, entities)}
    shown = json.dumps(data, ensure_ascii=False, indent=2)
    st.download_button("Download as JSON", shown, "entities.json", "application/json", on_click="ignore")


def _choose_threshold(model: str, own: Threshold) -> Threshold:
    """Show a slider for the threshold, or one for each label."""

    def choose(name: str, value: float) -> float:
        return st.sidebar.slider(name, 0.0, 1.0, value, 0.01, key=f"{name} of {model}", help=about)

    about = "Entities less probable are left out"
    if isinstance(own, dict):
        return {label: choose(f"Threshold of {label}", value) for label, value in own.items()}
    return choose("Threshold", own)


def _take_example(examples: Dict[str, str]) -> None:
    if st.session_state.example:
        st.session_state.text = examples[st.session_state.example]


def _table(rows: List[Tuple], columns: Tuple[str, ...], key: Optional[str] = None) -> Optional[int]:
    """Show a table.

    RETURNS (Optional[int]): The index of the selected row. Rows can be selected if the table has a key.
    """
    bar = st.column_config.ProgressColumn(width=75, min_value=0.0, max_value=1.0, format="%.2f")
    frame = pandas.DataFrame(rows, columns=list(columns))
    texts = {name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items() if name in columns}
    height = ROW_HEIGHT * (1 + min(len(rows), 20)) + 3
    options: Dict[str, Any] = {"hide_index": True, "column_config": {"probability": bar, **texts}, "height": height}
    if key is None:
        st.dataframe(frame, **options)
        return None
    selection = st.dataframe(frame, **options, key=key, on_select="rerun", selection_mode="single-row").selection
    return selection.rows[0] if selection.rows else None


if __name__ == "__main__":
    main()
