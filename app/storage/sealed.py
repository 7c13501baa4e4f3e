"""The mark of columns with sealed text, ``mapped_column(info=SEALED)``, by which a key rotation finds them."""

from typing import Any, Final

SEALED: Final[dict[Any, Any]] = {"sealed": True}
