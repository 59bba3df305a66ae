"""Train a pipeline on a corpus, and end with an error if it has learned nothing."""

from pathlib import Path
from typing import List

import spacy
import typer
from steps import run, training_options
from wasabi import msg

# Below this F-score on dev nothing was learned: an untrained model has about 0.02.
LEARNED = 0.05


def train(config: Path, train: Path, dev: Path, output: Path, options: List[str]) -> None:
    """Train a pipeline with `spacy train`, and stop if it has learned nothing.

    config (Path): The config.
    train (Path): The .spacy file, or folder of shards, to learn from.
    dev (Path): Those to choose the best model by.
    output (Path): The folder for model-best and model-last.
    options (List[str]): More of spaCy's options.
    """
    run("spacy", "train", config, "--output", output, "--paths.train", train, "--paths.dev", dev, *options)
    check_learned(output / "model-best")


def check_learned(model: Path) -> None:
    """Stop if a pipeline cannot be loaded, or finds next to nothing on the corpus it was chosen by."""
    try:
        nlp = spacy.load(model)
    except Exception as err:  # a file that was cut can raise anything
        typer.echo(f"{model}: {err}")
        msg.fail("The trained pipeline is not whole, such as after a full disk: make room and train again", exits=1)
    score = nlp.meta["performance"]["ents_f"]
    if score < LEARNED:
        msg.fail(
            f"Nothing was learned: the best F-score on dev is {100 * score:.1f}",
            "Each row of the table above is an evaluation. If there is only that of step 0, training ended before the "
            "next: raise training.max_steps or training.max_epochs, or lower training.eval_frequency (--vars.set). If "
            "there are more, look at the annotation: python -m spacy bio-ner audit tells what may be wrong with it.",
            exits=1,
        )


def main(
    config: Path = typer.Argument(..., help="Config"),
    corpus: Path = typer.Argument(..., help="Folder with train.spacy and dev.spacy"),
    output: Path = typer.Argument(..., help="Folder for model-best and model-last"),
    lang: str = typer.Option("en", help="Language of the pipeline"),
    encoder: str = typer.Option(..., help="Pretrained transformer, for the configs that have one"),
    taught: str = typer.Option(..., help="What a teacher has taught, for the configs that learn from one"),
    vectors: str = typer.Option("", help="Word vectors, a folder or an installed package"),
    gpu_id: int = typer.Option(-1, help="GPU ID or -1 for CPU"),
    settings: str = typer.Option(
        "", "--set", help="Settings of the config to change: 'training.dropout=0.2 system.seed=1'"
    ),
):
    """Train a pipeline, and end with an error if it has learned nothing."""
    options = training_options(lang, encoder, taught, vectors, gpu_id, settings)
    train(config, corpus / "train.spacy", corpus / "dev.spacy", output, options)


if __name__ == "__main__":
    typer.run(main)
