"""What a run was made of: the pipeline, the settings and the inputs. A run goes on only with the same."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence

from ..checksums import digest_json, read_json, write_json
from ..util import InputError
from .inputs.discovery import Source
from .job import Layout
from .outputs import ERRORS, RECORDS, read_record

NAME = "manifest.json"
SHOWN = 10  # differences


@dataclass(frozen=True)
class Manifest:
    """The makings of a run.

    model (Dict[str, str]): The pipeline's name, version and hash, and the versions of the libraries.
    settings (Dict[str, Any]): The settings that the rows depend on.
    inputs (Dict[str, Dict[str, Any]]): The kind and the bytes of each input file by its name.
    checksums (Dict[str, str]): The SHA-256 of each that was read to its end, once the run is finished.
    result (Optional[Dict[str, int]]): How many of what was written, once the run is finished.
    records (Optional[str]): The SHA-256 of the records of all shards, once the run is finished.
    """

    model: Dict[str, str]
    settings: Dict[str, Any]
    inputs: Dict[str, Dict[str, Any]]
    checksums: Dict[str, str] = field(default_factory=dict)
    result: Optional[Dict[str, int]] = None
    records: Optional[str] = None

    @property
    def run(self) -> str:
        """RETURNS (str): What tells the run from others. The pipeline's name does not: a folder can be moved."""
        model = {key: value for key, value in self.model.items() if key != "name"}
        return digest_json([model, self.settings, self.inputs])

    def write(self, output: Path) -> None:
        """Write the manifest to the folder of the run."""
        write_json(output / NAME, asdict(self))


def read_manifest(output: Path) -> Optional[Manifest]:
    """RETURNS (Optional[Manifest]): The manifest of the run in a folder, if there is one.
    RAISES (InputError): If it is damaged."""
    path = output / NAME
    if not path.exists():
        return None
    try:
        return Manifest(**read_json(path))
    except TypeError:
        raise InputError(f"{path}: is not what this version of spacy-bio-ner writes") from None


def list_inputs(sources: Sequence[Source]) -> Dict[str, Dict[str, Any]]:
    """RETURNS (Dict[str, Dict[str, Any]]): The kind and the bytes of each file of the inputs, by its name."""
    return {
        file.name: {"kind": source.kind.value, "bytes": file.n_bytes} for source in sources for file in source.files
    }


def resume(output: Path, wanted: Manifest, layout: Layout) -> Optional[Manifest]:
    """Find the run in a folder and check that it is the one wanted.

    output (Path): The folder.
    wanted (Manifest): What the run is to be made of.
    layout (Layout): The files it writes.
    RETURNS (Optional[Manifest]): The manifest of the run; None if there is none, and the folder is free for one.
    RAISES (InputError): If the run in the folder is another, or something else is in the folder.
    """
    for name in (*layout.folders, RECORDS):
        if (output / name).is_symlink():
            raise InputError(f"{output / name}: found a link, expected a folder: a run writes nothing outside its own")
    try:
        found = read_manifest(output)
        state = "is not there"
    except InputError:
        found, state = None, "is damaged"
    if found is None:
        return _resume_without_manifest(output, wanted, layout, state)
    differences = list(_differences(found, wanted))
    if differences:
        shown = "\n".join(f"    {difference}" for difference in differences[:SHOWN])
        more = f"\n    ... and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        raise InputError(
            f"{output}: found a run that was made of something else, which cannot go on:\n{shown}{more}\n"
            "Put back what it was made of, or write to another folder"
        )
    return found


def _resume_without_manifest(output: Path, wanted: Manifest, layout: Layout, state: str) -> Optional[Manifest]:
    """RETURNS (Optional[Manifest]): The manifest wanted, if the whole records in the folder are all of that run; None
    if nothing is in the folder.
    RAISES (InputError): If it cannot be known what is in the folder, or that is another run."""
    names = [name for name in (NAME, *layout.folders, RECORDS, ERRORS) if (output / name).exists()]
    if not names:
        return None
    is_known = False
    for path in sorted((output / RECORDS).glob("[0-9]*.json")):
        try:
            record = read_record(output, layout, int(path.stem))
        except (InputError, OSError, ValueError):
            continue  # it is written again
        if record.run != wanted.run:
            raise InputError(f"{output / NAME}: {state}, and {path} is of another run: write to another folder")
        is_known = True
    if not is_known:
        raise InputError(f"{output / NAME}: {state}. Found {', '.join(names)} in {output}, expected a new folder")
    return wanted


def _differences(found: Manifest, wanted: Manifest) -> Iterator[str]:
    for name, before, now in (
        ("the pipeline's", found.model, wanted.model),
        ("the setting", found.settings, wanted.settings),
    ):
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key) and (name, key) != ("the pipeline's", "name"):
                yield f"{name} {key} was {before.get(key)!r} and is {now.get(key)!r}"
    for key in sorted(found.inputs.keys() | wanted.inputs.keys()):
        if key not in wanted.inputs:
            yield f"the input {key} is no longer there"
        elif key not in found.inputs:
            yield f"the input {key} was not there"
        elif found.inputs[key] != wanted.inputs[key]:
            was, is_now = ("{bytes} bytes of {kind}".format(**side.inputs[key]) for side in (found, wanted))
            yield f"the input {key} has changed: it had {was} and has {is_now}"
    if found.inputs == wanted.inputs and list(found.inputs) != list(wanted.inputs):
        yield "the inputs are in another order"
