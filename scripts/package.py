"""Build two wheels: the library's, and a trained pipeline's that requires it."""

import shutil
import tempfile
from pathlib import Path

import typer
from steps import run

ROOT = Path(__file__).parent.parent


def main(
    model: Path = typer.Argument(..., help="Trained pipeline"),
    packages: Path = typer.Argument(..., help="Folder for the wheels"),
    name: str = typer.Option(..., help="Name of the package, after the language; a hyphen becomes an underscore"),
    version: str = typer.Option(..., help="Version of the package"),
):
    """Build the wheels of the library and of a trained pipeline."""
    wheel = ("pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", packages)
    with tempfile.TemporaryDirectory() as folder:
        module = name.replace("-", "_")  # a package has to be a module that can be imported
        run("spacy", "package", model, folder, "--name", module, "--version", version, "--build", "none")
        # The library is built from a copy: what an earlier build has left in the repository would get into the wheel.
        library = Path(folder) / "library"
        shutil.copytree(ROOT / "spacy_bio_ner", library / "spacy_bio_ner", ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / file, library)
        for source in Path(folder).iterdir():
            run(*wheel, source)
    typer.echo("\n".join(str(path) for path in sorted(packages.glob("*.whl"))))


if __name__ == "__main__":
    typer.run(main)
