"""One line of JSON for each request, if the operator wants that. It holds no address, because some are secrets."""

import logging
from typing import Final

from flask import Flask, Response, g, request
from pythonjsonlogger.json import JsonFormatter

from app.services import services
from app.web import measuring

JSON: Final = "json"
logger = logging.getLogger("app.requests")


def json_formatter() -> JsonFormatter:
    """Writes a record as one object, with the fields that it brings; an exception is the member exc_info."""
    fields = "asctime levelname name message request_id"
    renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
    return JsonFormatter(" ".join(f"%({name})s" for name in fields.split()), rename_fields=renamed)


def install(app: Flask) -> None:
    """Log each request that is answered."""
    if services(app).settings.log_format != JSON:
        return

    @app.after_request
    def note(response: Response) -> Response:
        route, method = measuring.route()
        caller = g.get("caller")
        logger.info(
            "%s %s %s",
            method,
            route,
            response.status_code,
            extra={
                "route": route,
                "method": method,
                "status": response.status_code,
                "milliseconds": round(measuring.seconds() * 1000, 2),
                "statements": measuring.statements(),
                "caller_type": None if caller is None else caller.type,
                "caller_id": None if caller is None else caller.id,
                "token_id": None if caller is None else caller.token_id,
                "client": request.remote_addr,
            },
        )
        return response
