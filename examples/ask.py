"""A page that asks whether the spans are entities that a pipeline is least sure of, as `bio-ner ask` does in a
terminal. Run it with Streamlit, and answer with the buttons or their keys:

    python -m streamlit run examples/ask.py -- MODEL TEXTS ANSWERS.jsonl

Each answer is on disk before the next question comes, and started again it goes on. `bio-ner convert` makes a corpus
of the answers.
"""

import sys
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import List, Tuple

import spacy
import streamlit as st
from spacy import displacy

from spacy_bio_ner.annotate.inputs.discovery import check_fields, find_sources
from spacy_bio_ner.annotate.inputs.item import Fields
from spacy_bio_ner.asking.journal import open_journal
from spacy_bio_ner.asking.session import Asking, Session
from spacy_bio_ner.asking.terminal import ALL, KEYS, NONE, NOTHING_LEFT, UNDO, window
from spacy_bio_ner.asking.unread import read_texts
from spacy_bio_ner.util import InputError
from spacy_bio_ner.views import label_colors

WIDTH = 160  # characters in a line of text, about
KNOWN = "#dddddd"
LABELS = {"y": "Yes", "n": "No", "s": "Skip", UNDO: "Undo"}


@st.cache_resource(show_spinner="Looking for questions")
def start(model: str, texts: str, answers: str) -> Tuple[Session, List[str], ExitStack]:
    """RETURNS (Tuple[Session, List[str], ExitStack]): The session, for all who look at the page, the inputs that were
    passed over, and what keeps the file of answers locked as long as it is not thrown away: while the page is served.
    """
    sources, _ = find_sources([Path(texts)], None)
    fields = Fields(("text",))
    check_fields(sources, fields)
    nlp = spacy.load(model)
    passed_over: List[str] = []
    with ExitStack() as stack:
        journal = stack.enter_context(open_journal(Path(answers)))
        session = Session(nlp, read_texts(sources, fields, nlp.max_length, passed_over), journal)
        session.next()
        return session, passed_over, stack.pop_all()


def highlight(asking: Asking) -> str:
    """RETURNS (str): The text around the span that is asked about, as HTML. Spans that are known are grey."""
    text, question = asking
    first, last = 0, len(text.text)
    ents = [{"start": start, "end": end, "label": label, "params": {"bg": KNOWN}} for start, end, label in asking.known]
    if question is not None:
        first, last = window(text.text, question.start, question.end, WIDTH)
        params = {"bg": label_colors([question.label])[question.label]}
        ents = [ent for ent in ents if first <= ent["start"] and ent["end"] <= last]
        ents.append({"start": question.start, "end": question.end, "label": f"{question.label}?", "params": params})
    ents = sorted(
        ({**ent, "start": ent["start"] - first, "end": ent["end"] - first} for ent in ents), key=itemgetter("start")
    )
    shown = {"text": text.text[first:last], "ents": ents, "title": None}
    return displacy.render(shown, style="ent", manual=True, jupyter=False)


def answer(session: Session, asking: Asking, verdict: str) -> None:
    """Answer a question, unless somebody else has done so on another page."""
    if session.next() is asking:
        session.answer(verdict)


def main() -> None:
    """Show the page."""
    st.set_page_config("Yes or no", layout="wide")
    if len(sys.argv) != 4:
        st.error("Expected a pipeline, texts and a file of answers: `... examples/ask.py -- MODEL TEXTS ANSWERS.jsonl`")
        st.stop()
    try:
        session, passed_over, _ = start(*sys.argv[1:])
    except (InputError, OSError, ValueError) as err:
        st.error(str(err))
        st.stop()
    asking = session.next()
    st.caption(f"{session.n_answers} answered")
    if asking is None:
        st.success(NOTHING_LEFT)
    else:
        question = asking.question
        if question is not None:
            st.subheader(f"Is this {question.label}? ({question.probability:.0%})")
        else:
            st.subheader(ALL if asking.known else NONE)
        st.html(highlight(asking))
    # The buttons are others for each question, so that no key is taken for an answer to a question not yet seen.
    n = session.n_answers
    columns = st.columns(6)
    for column, (key, verdict) in zip(columns, KEYS.items()):
        options = {"key": f"{key} {n}", "shortcut": key, "disabled": asking is None}
        column.button(LABELS[key], on_click=answer, args=[session, asking, verdict], width="stretch", **options)
    options = {"key": f"{UNDO} {n}", "shortcut": UNDO, "disabled": n == 0}
    columns[len(KEYS)].button(LABELS[UNDO], on_click=session.undo, width="stretch", **options)
    if passed_over:
        st.warning(f"Passed over {len(passed_over)} of the inputs, such as {passed_over[0]}")


if __name__ == "__main__":
    main()
