"""Pipelines whose settings a command has changed, saved."""

from pathlib import Path
from typing import Optional

from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from ..evaluation.doc_results import bio_ners
from ..serialization import save_settings
from ..util import InputError, atomic_write


def save_changed(nlp: Language, model: str, output: Optional[Path]) -> None:
    """Save a pipeline whose settings have changed: all of it to another folder, or the settings to its own.

    nlp (Language): The pipeline.
    model (str): Where it is from.
    output (Optional[Path]): The folder to save to.
    RAISES (InputError): If something else is there, or the pipeline is in no folder that could be changed.
    """
    components = bio_ners(nlp)
    if output is None:
        if not all((Path(model) / component.name / "cfg").is_file() for component in components):
            raise InputError(f"{model}: not a folder with a pipeline, which could be changed: give --output")
        for component in components:
            save_settings(Path(model), component.name, component.cfg)
    else:
        _check_output(output)
        with atomic_write(output) as beside:
            nlp.to_disk(beside)
            for component in components:
                save_settings(beside, component.name, component.cfg)
    msg.good(f"Saved the pipeline to {output or model}")


def _check_output(output: Path) -> None:
    """Refuse to save a pipeline in the place of anything else. A folder is replaced as a whole, with all in it.

    output (Path): The folder to save to.
    RAISES (InputError): If it is there and is not a pipeline's, or holds something that is none of the pipeline's.
    """
    if not output.exists():
        return
    if not (output / "config.cfg").is_file():
        raise InputError(f"{output}: exists and is no pipeline: give a folder that is new, or a pipeline's")
    components = Config().from_disk(output / "config.cfg", interpolate=False).get("components", {})
    own = {"config.cfg", "meta.json", "tokenizer", "vocab", *components}
    others = sorted(path.name for path in output.iterdir() if path.name not in own)
    if others:
        raise InputError(
            f"{output}: holds {others[0]}, which is no part of the pipeline there: give a folder that is new"
        )
