"""Files that belong to the service and are no part of the package: migrations and gunicorn's configuration.

In a checkout they stand beside the package, where people look for them. An installation has them as data files
(setup.cfg), in the folder ``share/groundplan`` of its environment.
"""

from importlib.metadata import files
from pathlib import Path
from typing import Final

_NAME: Final = "gunicorn.conf.py"
_CHECKOUT: Final = Path(__file__).resolve().parents[1]

IS_INSTALLED: Final = not (_CHECKOUT / "setup.cfg").is_file()


def _installed() -> Path:
    # Beside the package after "pip install --target". Elsewhere, the record of the installation knows.
    beside = _CHECKOUT / "share" / "groundplan"
    if beside.is_dir():
        return beside
    found = next(file for file in files("groundplan") or () if file.name == _NAME)
    return Path(str(found.locate())).resolve().parent


_FOLDER: Final = _installed() if IS_INSTALLED else _CHECKOUT

MIGRATIONS: Final = _FOLDER / "migrations"
GUNICORN: Final = _FOLDER / _NAME
