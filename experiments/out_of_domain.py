"""How often the bot says that it did not understand: of utterances outside its domains, and of those inside. On the dev
split the threshold is chosen, with which it declines at most a given share of what is inside.
"""

import sys
from pathlib import Path
from typing import List, Optional

import numpy
import typer
from spacy.tokens import Doc
from wasabi import msg

from spacy_bio_ner.corpora.docbin import read_docs

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "examples"))
import bot  # noqa: E402


def main(
    model: str = typer.Argument(..., help="Pipeline with textcat and bio_ner"),
    corpus: Path = typer.Argument(..., help="The .spacy file of the split, dev to choose on or test"),
    outside: Path = typer.Argument(..., help="Text file with an utterance outside the domains on each line"),
    decline: Optional[float] = typer.Option(None, help="The threshold. By default it is chosen"),
    most: float = typer.Option(0.03, help="The share of utterances inside the domains that it may decline"),
    show: bool = typer.Option(False, help="Print what was decided wrongly"),
):
    """Measure how often the bot declines."""
    nlp = bot.load_pipeline(model)
    intents = bot.load_intents(bot.QUESTIONS, nlp)

    def is_inside(gold: Doc) -> bool:
        return intents[max(gold.cats, key=gold.cats.get)].in_domain

    texts = {
        "inside": [gold.text for gold in read_docs(corpus, nlp.vocab) if is_inside(gold)],
        "outside": [line for line in outside.read_text(encoding="utf8").splitlines() if line.strip()],
    }
    found = {name: probabilities(nlp, own, intents) for name, own in texts.items()}
    if decline is None:
        # As many as may be declined are less probable than this.
        decline = float(numpy.sort(found["inside"])[int(most * len(found["inside"]))])
    for name, values in found.items():
        declined = values < decline
        msg.info(f"{name}: {declined.sum()} of {len(values)} declined ({declined.mean():.1%}) below {decline:.4f}")
        if show:
            wrong = numpy.flatnonzero(declined if name == "inside" else ~declined)
            print("\n".join(f"  {values[i]:.3f} {texts[name][i]}" for i in wrong))


def probabilities(nlp, texts: List[str], intents) -> numpy.ndarray:
    return numpy.array([bot.probability_in_domain(doc, intents) for doc in nlp.pipe(texts)])


if __name__ == "__main__":
    typer.run(main)
