"""Switches for what clients of HCP Terraform can turn on there, and the service does not have."""

from typing import Any

import marshmallow
from marshmallow import ValidationError

from app.jsonapi.fields import Constant


class Switch(Constant):
    """A switch for something that the service does not have: always off, and refused when a client turns it on."""

    def __init__(self, lacking: str, **options: Any) -> None:  # noqa: ANN401 - the options of BaseAttribute
        """``lacking`` names what there is not."""
        text = f"Refused when it is sent as true: this service has no {lacking}."
        super().__init__(value=False, description=text, **options)
        self.dump_only = False
        self.lacking = lacking

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:  # noqa: ANN401, ARG002
        """Nothing to store."""
        if value is marshmallow.missing or value is None or value is False:
            return marshmallow.missing
        raise ValidationError(f"can't be enabled: this service has no {self.lacking}")
