"""The forms of the service's pages, as a browser sends them."""

import re
from html import unescape

import httpx


def send_form(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the first form of the page, filled with these."""
    action = re.search(r'<form method="post" action="([^"]*)"', page.text)
    hidden = re.search(r'name="form_token" value="([^"]*)"', page.text)
    assert action is not None, page.text
    assert hidden is not None
    return browser.post(page.url.join(unescape(action[1])), data={"form_token": hidden[1], **fields})
