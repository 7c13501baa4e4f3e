"""Fails every answer of a view that checked a permission which its route does not declare."""

from flask import Flask, Response, request

from app.web.policy import checked_permissions


def watch_policy(app: Flask) -> None:
    """Look at the answers of the application; one whose view asked for an undeclared permission becomes a 500."""

    @app.after_request
    def only_declared_permissions_were_checked(response: Response) -> Response:
        view = app.view_functions.get(request.endpoint or "")
        declared = frozenset(getattr(view, "permissions", ()))
        if declared:
            undeclared = checked_permissions() - declared
            assert not undeclared, f"{request.method} {request.path} checks {sorted(undeclared)} without @requires"
        return response
