"""OAuth's token endpoint: it exchanges a code and its verifier for a token."""

from typing import Final

import orjson
from flask import Response

from app.resources.accounts.sign_in import service
from app.resources.accounts.sign_in.authorization import CLIENT, GRANT, VERIFIER, Parameters, single_value
from app.resources.accounts.sign_in.blueprint import blueprint
from app.resources.accounts.sign_in.pages import FORM_BYTES
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form

NEEDED: Final = ("client_id", "code", "redirect_uri")


@blueprint.post("/oauth/token")
@open_to_all
@any_media_type
@describes()
def redeem() -> Response:
    """Exchange a code that the user has allowed for a token of the user. A code can be used once."""
    sent = form(FORM_BYTES)
    refused = _fault(sent)
    if refused is not None:
        return refused
    client_id, code, redirect_uri = (single_value(sent, name) or "" for name in NEEDED)
    verifier = single_value(sent, "code_verifier") or ""
    text, fault = service.redeem_code(code, client_id=client_id, redirect_uri=redirect_uri, verifier=verifier)
    if text is None:
        return refusal("invalid_grant", fault or "")
    return _answer({"access_token": text, "token_type": "bearer"})


def refusal(error: str, description: str, status: int = 400) -> Response:
    """An error in OAuth's form; the CLI shows both parts."""
    return _answer({"error": error, "error_description": description}, status)


def _fault(sent: Parameters) -> Response | None:
    """The fault of the request that does not depend on the code."""
    grant = single_value(sent, "grant_type")
    if grant is None:
        return refusal("invalid_request", "grant_type is needed once")
    if grant != GRANT:
        return refusal("unsupported_grant_type", f"grant_type must be {GRANT}")
    for name in NEEDED:
        if not single_value(sent, name):
            return refusal("invalid_request", f"{name} is needed once")
    if single_value(sent, "client_id") != CLIENT:
        return refusal("invalid_client", f"client_id must be {CLIENT}")
    if not VERIFIER.fullmatch(single_value(sent, "code_verifier") or ""):
        return refusal("invalid_request", "code_verifier is needed once: 43 to 128 letters, digits, or any of -._~")
    return None


def _answer(members: dict[str, str], status: int = 200) -> Response:
    response = Response(orjson.dumps(members), status, content_type="application/json")
    # OAuth requires it beside Cache-Control, which every answer has.
    response.headers["Pragma"] = "no-cache"
    return response
