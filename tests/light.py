"""An environment without the extra 'transformers', for the processes that tests start.

Where torch and spacy-transformers are installed spaCy imports both, whatever a pipeline consists of. That takes five
seconds, and only the transformer needs them. Tests of all else see, too, that it does without.
"""

import os
import sys
import venv
from pathlib import Path

LEFT_OUT = ("torch", "transformers", "spacy_transformers")


def make_light_python(folder: Path, repository: Path) -> Path:
    """Make an environment of links to what is installed in this one. Nothing may be installed into it, nor taken out of
    it: pip would follow the links.

    folder (Path): Where to make it.
    repository (Path): Where to import the library from.
    RETURNS (Path): Its Python; this one where links cannot be made.
    """
    if os.name == "nt":
        return Path(sys.executable)
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    for installed in (Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")):
        for path in installed.iterdir():
            link = site / path.name
            if path.suffix != ".pth" and path.name.partition("-")[0] not in LEFT_OUT and not link.exists():
                link.symlink_to(path)
    (site / "library.pth").write_text(str(repository), encoding="utf8")
    return folder / "bin" / "python"
