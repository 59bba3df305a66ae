"""What a run was made of: the pipeline, the settings and the inputs. A run goes on only with the same."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence

from tqdm import tqdm

from ..util import InputError, atomic_write
from .fingerprint import digest_file
from .inputs.sources import Source
from .outputs import ERRORS, RECORDS, SCHEMAS

NAME = "manifest.json"
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Manifest:
    """The makings of a run.

    model (Dict[str, str]): The pipeline's name, version and hash, and the versions of the libraries.
    settings (Dict[str, Any]): The settings that the rows depend on.
    inputs (Dict[str, str]): The kind and the SHA-256 of each input file by its name.
    items (Optional[int]): How many items are in the inputs, once they are counted.
    result (Optional[Dict[str, int]]): How many of what was written, once the run is finished.
    """

    model: Dict[str, str]
    settings: Dict[str, Any]
    inputs: Dict[str, str]
    items: Optional[int] = None
    result: Optional[Dict[str, int]] = None

    def write(self, output: Path) -> None:
        """Write the manifest to the folder of the run."""
        with atomic_write(output / NAME) as beside:
            beside.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=2), encoding="utf8")


def read_manifest(output: Path) -> Optional[Manifest]:
    """RETURNS (Optional[Manifest]): The manifest of the run in a folder, if there is one.
    RAISES (InputError): If it is damaged."""
    path = output / NAME
    if not path.exists():
        return None
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf8")))
    except (ValueError, TypeError) as err:
        raise InputError(f"{path}: cannot be read ({err}), expected what 'bio-ner annotate' wrote") from None


def digest_inputs(sources: Sequence[Source]) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The kind of each file of the inputs and its SHA-256, or why it cannot be read."""
    digests = {}
    files = [(source.kind, *pair) for source in sources for pair in source.files()]
    for kind, name, path in tqdm(files, desc="Checking inputs", unit="file", leave=False, disable=None):
        try:
            digests[name] = f"{kind} {digest_file(path)}"
        except OSError as err:
            digests[name] = f"{kind} {UNREADABLE}: {err.strerror}"
    return digests


def go_on(output: Path, wanted: Manifest) -> Optional[Manifest]:
    """Find the run in a folder and check that it is the one wanted.

    output (Path): The folder.
    wanted (Manifest): What the run is to be made of.
    RETURNS (Optional[Manifest]): The manifest of the run; None if there is none, and the folder is free for one.
    RAISES (InputError): If the run in the folder is another, or something else is in the folder.
    """
    for name in (*SCHEMAS, RECORDS):
        if (output / name).is_symlink():
            raise InputError(f"{output / name}: found a link, expected a folder: a run writes nothing outside its own")
    found = read_manifest(output)
    if found is None:
        others = [name for name in (*SCHEMAS, RECORDS, ERRORS) if (output / name).exists()]
        if others:
            raise InputError(f"{output}: found {', '.join(others)} without {NAME}, expected a new folder")
        return None
    differences = list(_differences(found, wanted))
    if differences:
        shown = "\n".join(f"    {difference}" for difference in differences[:10])
        more = f"\n    ... and {len(differences) - 10} more" if len(differences) > 10 else ""
        raise InputError(
            f"{output}: found a run that was made of something else, which cannot go on:\n{shown}{more}\n"
            "Put back what it was made of, or write to another folder"
        )
    return replace(found, result=None)


def _differences(found: Manifest, wanted: Manifest) -> Iterator[str]:
    for name, before, now in (
        ("the pipeline's", found.model, wanted.model),
        ("the setting", found.settings, wanted.settings),
    ):
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                yield f"{name} {key} was {before.get(key)!r} and is {now.get(key)!r}"
    for key in sorted(found.inputs.keys() | wanted.inputs.keys()):
        if key not in wanted.inputs:
            yield f"the input {key} is no longer there"
        elif key not in found.inputs:
            yield f"the input {key} was not there"
        elif found.inputs[key] != wanted.inputs[key]:
            yield f"the input {key} has changed"
    if found.inputs == wanted.inputs and list(found.inputs) != list(wanted.inputs):
        yield "the inputs are in another order"
