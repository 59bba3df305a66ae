"""Saved components: checksums that tell whether their files are whole, whether weights are numbers and fit the labels,
and settings changed in the folder of a pipeline."""

import warnings
from pathlib import Path
from typing import Any, List, Tuple

import numpy
import srsly
from spacy.util import load_config
from thinc.api import Model

from .checksums import CHECKSUMS, is_as_written, read_checksums, write_checksums
from .settings import Settings
from .util import InputError, atomic_write

FILES = ("cfg", "model")
# Of the architectures here: what the saved model keeps beside its weights, so that it counts and not the config's.
KEPT_WITH_WEIGHTS = ("prefixes", "suffixes", "window", "stride")


def sign_component(path: Path) -> None:
    """Write the checksums of a component's files beside them.

    path (Path): The folder of the component.
    """
    write_checksums(path, [name for name in FILES if (path / name).is_file()])


def check_component(path: Path) -> None:
    """Compare a component's files with their checksums. Those saved by earlier versions have none.

    path (Path): The folder of the component.
    RAISES (InputError): If a file is not what was saved.
    """
    checksums = read_checksums(path)
    if not checksums.keys() <= set(FILES):
        raise InputError(f"{path / CHECKSUMS}: is damaged. Copy the pipeline anew.")
    for name, checksum in checksums.items():
        if not is_as_written(path / name, checksum):
            hint = "To change settings, edit config.cfg instead. " if name == "cfg" else ""
            raise InputError(
                f"{path / name}: is not what was saved, by its checksum. {hint}The pipeline is damaged: copy it anew."
            )


def kept_with_weights(model: Model) -> List[Tuple[str, str, Any]]:
    """RETURNS (List[Tuple[str, str, Any]]): Of each layer its name, and the names and values of its settings that are
    saved with the weights."""
    return [
        (node.name, name, node.attrs[name]) for node in model.walk() for name in KEPT_WITH_WEIGHTS if name in node.attrs
    ]


def warn_of_edits(model: Model, from_config: List[Tuple[str, str, Any]], name: str) -> None:
    """Warn where the config of a pipeline says something else of its layers than what they were trained with.

    model (Model): The loaded model.
    from_config (List[Tuple[str, str, Any]]): What kept_with_weights gave before it was loaded.
    name (str): The name of its component, for messages.
    """
    for (layer, setting, value), (_, _, saved) in zip(from_config, kept_with_weights(model)):
        if _plain(value) != _plain(saved):
            warnings.warn(
                f"The component '{name}' has {setting} = {value} for its layer '{layer}' in the config, but was "
                f"trained with {saved}, which counts. To change it, train anew."
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
    (path / name / CHECKSUMS).unlink(missing_ok=True)
    with atomic_write(path / name / "cfg") as beside:
        srsly.write_json(beside, {**settings, "config": {**settings["config"], **changed}})
    sign_component(path / name)


def _check_torch(module: object, name: str) -> None:
    """The same for a module of torch, which is not imported here."""
    for param, tensor in module.state_dict().items() if hasattr(module, "state_dict") else ():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"The component '{name}' cannot be used: the transformer's '{param}' is not all numbers.")


def _plain(value: Any) -> Any:
    """RETURNS (Any): A value as it is when it has been saved."""
    return list(value) if isinstance(value, tuple) else value
