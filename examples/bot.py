"""Understand what a person asks for: the intent of an utterance and its slots, and what is still to be asked.

Each utterance stands alone: the bot does not remember the one before.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import spacy
import srsly
import typer
from pydantic import BaseModel
from spacy.language import Language
from spacy.tokens import Doc, Span
from wasabi import msg

QUESTIONS = Path(__file__).parent / "questions.yml"
QUIT = "quit"
# Chosen on the dev split of assets/assistant, see experiments/out_of_domain.py.
DECLINE = 0.5


class Need(BaseModel):
    """What must be known: one of some slots. Its questions are for when it is not, or not for sure."""

    slots: List[str]
    ask: str
    check: str = ""


class Intent(BaseModel):
    """What an intent is about, in words, what it needs, and whether the bot can do anything about it."""

    about: str
    needs: List[Need] = []
    in_domain: bool = True


def understand(doc: Doc, intents: Dict[str, Intent], threshold: float, decline: float) -> Dict[str, Any]:
    """Tell what a pipeline found in an utterance.

    doc (Doc): The utterance, with categories and entities.
    intents (Dict[str, Intent]): What is known of each intent.
    threshold (float): What is less probable is doubtful.
    decline (float): An utterance is not understood if all intents in the bot's domains are less probable.
    RETURNS (Dict[str, Any]): The "text"; the "intent", a label and its probability, or None if the utterance is not
        understood; the "slots", each with its text, label, start and end character and probability; and a question
        under "ask", or None if there is none.
    """
    if probability_in_domain(doc, intents) < decline:
        about = [intent.about for intent in intents.values() if intent.in_domain]
        ask = f"I did not understand that. I know about {', '.join(about)}."
        return {"text": doc.text, "intent": None, "slots": [], "ask": ask}
    label, probability = max(doc.cats.items(), key=lambda item: item[1])
    slots = [
        {
            "text": ent.text,
            "label": ent.label_,
            "start": ent.start_char,
            "end": ent.end_char,
            "probability": _confidence(ent),
        }
        for ent in doc.ents
    ]
    return {
        "text": doc.text,
        "intent": {"label": label, "probability": round(probability, 4)},
        "slots": slots,
        "ask": question(doc, intents, threshold),
    }


def probability_in_domain(doc: Doc, intents: Dict[str, Intent]) -> float:
    """RETURNS (float): The probability of the most probable intent that the bot can do something about; 0.0 if nothing
    was said."""
    known = [value for label, value in doc.cats.items() if label not in intents or intents[label].in_domain]
    return max(known, default=0.0) if doc.text.strip() else 0.0


def question(doc: Doc, intents: Dict[str, Intent], threshold: float) -> Optional[str]:
    """RETURNS (Optional[str]): What to ask back: about the intent if it is in doubt, or else for the first thing that
    it needs and that is missing or in doubt."""
    ranked = sorted(doc.cats, key=doc.cats.get, reverse=True)
    if doc.cats[ranked[0]] < threshold:
        first, second = (intents[label].about if label in intents else label for label in ranked[:2])
        return f"Is this about {first} or about {second}?"
    for need in intents[ranked[0]].needs if ranked[0] in intents else []:
        found = [ent for ent in doc.ents if ent.label_ in need.slots]
        if not found:
            return need.ask
        best = max(found, key=_confidence)
        if _confidence(best) < threshold:
            return need.check.format(text=best.text)
    return None


def _confidence(ent: Span) -> float:
    """RETURNS (float): The probability of an entity; 1.0 for one that a later component, such as a ruler, has set."""
    confidence = ent._.confidence
    return 1.0 if confidence is None else round(confidence, 4)


def load_pipeline(model: str) -> Language:
    """Load a pipeline that finds intents and slots."""
    try:
        # Packages are modules, whose names have no hyphens.
        nlp = spacy.load(model if Path(model).exists() else model.replace("-", "_"))
    except (OSError, ValueError, ImportError) as err:  # not there, not a pipeline, or one that needs other packages
        msg.fail(f"{model}: cannot load the pipeline: {err}", exits=1)
    factories = [nlp.get_pipe_meta(name).factory for name in nlp.pipe_names]
    for factory, what in (("textcat", "intents"), ("bio_ner", "slots")):
        if factory not in factories:
            msg.fail(
                f"{model}: found no {factory} in the pipeline (it has {', '.join(nlp.pipe_names) or 'nothing'}), "
                f"expected one for the {what}: train with configs/assistant.cfg",
                exits=1,
            )
    return nlp


def load_intents(path: Path, nlp: Language) -> Dict[str, Intent]:
    """Read the questions for those intents that a pipeline knows."""
    try:
        given = srsly.read_yaml(path)
        intents = {label: Intent(**given[label]) for label in nlp.pipe_labels["textcat"] if label in given}
    except (OSError, ValueError, TypeError) as err:  # not there, no YAML, another shape
        msg.fail(f"{path}: cannot read the questions: {err}", exits=1)
    for label, intent in intents.items():
        unknown = {slot for need in intent.needs for slot in need.slots} - set(nlp.pipe_labels["bio_ner"])
        if unknown:
            known = ", ".join(nlp.pipe_labels["bio_ner"])
            msg.fail(f"{path}: {label} needs {', '.join(sorted(unknown))}, but the slots are {known}", exits=1)
    return intents


def main(
    model: str = typer.Argument(..., help="Installed pipeline with textcat and bio_ner, or path to one"),
    utterance: Optional[str] = typer.Argument(None, help="What a person says. By default you are asked for it"),
    questions: Path = typer.Option(QUESTIONS, help="YAML file of what each intent needs, and how to ask for it"),
    threshold: float = typer.Option(0.5, min=0, max=1, help="An intent or slot less probable than this is asked about"),
    decline: float = typer.Option(
        DECLINE,
        min=0,
        max=1,
        help="An utterance is not understood if no intent of the bot's domains is as probable as this; "
        "experiments/out_of_domain.py finds one for a pipeline",
    ),
):
    """Print the intent of an utterance, its slots and what to ask back, as JSON. "quit" ends it."""
    nlp = load_pipeline(model)
    intents = load_intents(questions, nlp)

    def answer(said: str) -> None:
        print(json.dumps(understand(nlp(said), intents, threshold, decline), indent=2, ensure_ascii=False))

    if utterance is not None:
        answer(utterance)
        return
    try:
        # The prompt goes to stderr, so that stdout is JSON alone. It comes again if nothing is said.
        while (said := typer.prompt("You", prompt_suffix="> ", err=True).strip()) != QUIT:
            if said:
                answer(said)
    except typer.Abort:  # the end of the input, or Ctrl-C
        pass


if __name__ == "__main__":
    typer.run(main)
