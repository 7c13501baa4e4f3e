"""What gunicorn's logs keep of addresses that are secrets."""

import logging
import runpy
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[2] / "gunicorn.conf.py"


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("/api/v2/invitations/WyJp.sEcret", "/api/v2/invitations/(hidden)"),
        ("/api/v2/invitations//WyJp.sEcret", "/api/v2/invitations//(hidden)"),
        ("/api/v2/invitations/WyJp%2EsEcret?x=1", "/api/v2/invitations/(hidden)?x=1"),
        ("/api/v2/invitations/WyJp.sEcret/actions/accept", "/api/v2/invitations/(hidden)/actions/accept"),
        ("/api/v2/invitations/inv-1.sEcret", "/api/v2/invitations/(hidden)"),
        ("/api/v2/invitations/inv-1111111111111111", "/api/v2/invitations/inv-1111111111111111"),
        ("/api/v2/invitations/inv-1/actions/resend", "/api/v2/invitations/inv-1/actions/resend"),
        ("/invitations/WyJp.sEcret", "/invitations/(hidden)"),
        ("/invitations/.eJw-sEcret?x=1", "/invitations/(hidden)?x=1"),
        ("/api/v2/projects/prj-1/invitations?q=x", "/api/v2/projects/prj-1/invitations?q=x"),
        ("/objects/sEcret", "/objects/(hidden)"),
    ],
)
def test_secret_parts_of_addresses_are_cut(address: str, logged: str) -> None:
    discreet = runpy.run_path(str(CONFIGURATION))["WithoutSecrets"]()
    line = '"GET %s HTTP/1.1" 200 "http://x%s"'
    record = logging.LogRecord("access", logging.INFO, "", 0, line, (address, address), None)
    assert discreet.filter(record)
    assert record.getMessage() == line % (logged, logged)
