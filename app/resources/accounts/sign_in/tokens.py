"""The description of tokens that `terraform login` gets."""

from app.persistence import now


def token_name() -> str:
    """The description by which the user recognizes the token."""
    return f"terraform login on {now():%Y-%m-%d}"
