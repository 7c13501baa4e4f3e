"""Fails every answer of a guarded view that did not ask the policy."""

from flask import Flask, Response, g, request


def watch_policy(app: Flask) -> None:
    """Look at the answers of the application; one that should have asked and did not becomes a 500."""

    @app.after_request
    def the_policy_was_asked(response: Response) -> Response:
        view = app.view_functions.get(request.endpoint or "")
        if getattr(view, "permissions", ()) and response.status_code < 400:
            assert g.get("policy_asked"), f"{request.method} {request.path} answered without asking the policy"
        return response
