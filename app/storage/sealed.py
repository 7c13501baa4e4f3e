"""How a column says that it holds sealed text: ``mapped_column(info=SEALED)``. A new master key finds it by that."""

from typing import Any, Final

SEALED: Final[dict[Any, Any]] = {"sealed": True}
