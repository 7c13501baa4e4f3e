"""Files that belong to the service and are no part of the package: migrations and gunicorn's configuration.

In a checkout they stand beside the package, where people look for them. A wheel has copies in this folder (setup.py).
"""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _HERE.parents[1]

IS_INSTALLED: Final = (_HERE / "migrations").is_dir()
_FOLDER: Final = _HERE if IS_INSTALLED else _CHECKOUT

MIGRATIONS: Final = _FOLDER / "migrations"
GUNICORN: Final = _FOLDER / "gunicorn.conf.py"
