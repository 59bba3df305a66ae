"""Saved components: checksums that tell whether their files are whole, whether weights are numbers and fit the labels,
and settings changed in the folder of a pipeline."""

import hashlib
from pathlib import Path
from typing import Dict

import numpy
import srsly
from spacy.util import load_config
from thinc.api import Model

from .settings import Settings
from .util import atomic_write

CHECKSUMS = "checksums.json"
FILES = ("cfg", "model")


def write_checksums(path: Path) -> None:
    """Write the checksums of a component's files beside them.

    path (Path): The folder of the component.
    """
    with atomic_write(path / CHECKSUMS) as beside:
        srsly.write_json(beside, {name: _sha256(path / name) for name in FILES if (path / name).is_file()})


def check_checksums(path: Path) -> None:
    """Compare a component's files with their checksums. Those saved by earlier versions have none.

    path (Path): The folder of the component.
    RAISES (ValueError): If a file is not what was saved.
    """
    if not (path / CHECKSUMS).is_file():
        return
    try:
        checksums: Dict[str, str] = srsly.read_json(path / CHECKSUMS)
    except ValueError:
        checksums = {}
    if not isinstance(checksums, dict) or not checksums or not set(checksums) <= set(FILES):
        raise ValueError(f"{path / CHECKSUMS}: cannot be read. The pipeline is damaged: copy it anew.")
    for name in checksums:
        if not (path / name).is_file() or _sha256(path / name) != checksums[name]:
            hint = "To change settings, edit config.cfg instead. " if name == "cfg" else ""
            raise ValueError(
                f"{path / name}: is not what was saved, by its checksum. {hint}The pipeline is damaged: copy it anew."
            )


def check_weights(model: Model, name: str) -> None:
    """Check a loaded tagger.

    model (Model): The tagger; see spacy_bio_ner.BioTagger.v1.
    name (str): The name of its component, for messages.
    RAISES (ValueError): If a parameter is not a number, or the labels are not those of the tags.
    """
    for node in model.walk():
        for param in node.param_names:
            if node.has_param(param) and not node.ops.xp.isfinite(node.get_param(param)).all():
                raise ValueError(
                    f"The component '{name}' cannot be used: '{param}' of its layer '{node.name}' is not all numbers. "
                    "Its training has failed, or the file is damaged."
                )
        for shim in node.shims:
            _check_torch(getattr(shim, "_model", None), name)
    labels = model.attrs["labels"]
    is_valid = isinstance(labels, (list, tuple)) and all(isinstance(label, str) and label for label in labels)
    if not is_valid or len(set(labels)) < len(labels):
        raise ValueError(f"The component '{name}' cannot be used: its labels are {labels!r}, not a list of names.")
    emission = model.get_ref("emission") if model.has_ref("emission") else None
    n_tags = emission.get_dim("nO") if emission is not None and emission.has_dim("nO") else None
    if n_tags is not None and n_tags != 1 + 2 * len(labels):
        raise ValueError(
            f"The component '{name}' cannot be used: it has {len(labels)} labels, but weights for {n_tags} tags and "
            f"not {1 + 2 * len(labels)}."
        )


def own_weights(model: Model) -> None:
    """Copy weights and gradients that can only be read. joblib hands large arrays to its workers as memory maps, which
    thinc takes neither to train nor to look up embeddings.

    model (Model): An unpickled model.
    """
    for node in model.walk():
        for param in node.param_names:
            for has, get, set_ in (
                (node.has_param, node.get_param, node.set_param),
                (node.has_grad, node.get_grad, node.set_grad),
            ):
                array = get(param) if has(param) else None
                if isinstance(array, numpy.ndarray) and not array.flags.writeable:
                    set_(param, numpy.array(array))


def save_settings(path: Path, name: str, settings: Settings) -> None:
    """Write the settings of a component to a saved pipeline: to config.cfg, where people look for them, and to the
    component's own cfg. Whenever this is cut off, the pipeline has either the old setting or the new one.

    path (Path): The folder of the pipeline.
    name (str): The name of the component.
    settings (Settings): Its settings.
    RAISES (OSError): If a file cannot be read or written.
    """
    config = load_config(path / "config.cfg", interpolate=False)
    changed = settings.changed()
    config["components"][name].update(changed)
    with atomic_write(path / "config.cfg") as beside:
        config.to_disk(beside, interpolate=False)
    settings["config"] = {**settings["config"], **changed}
    (path / name / CHECKSUMS).unlink(missing_ok=True)
    with atomic_write(path / name / "cfg") as beside:
        srsly.write_json(beside, settings)
    write_checksums(path / name)


def _check_torch(module: object, name: str) -> None:
    """The same for a module of torch, which is not imported here."""
    for param, tensor in module.state_dict().items() if hasattr(module, "state_dict") else ():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"The component '{name}' cannot be used: the transformer's '{param}' is not all numbers.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
