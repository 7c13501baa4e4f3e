"""What the token of `terraform login` is called."""

from app.persistence import now


def token_name() -> str:
    """The description by which its user will know it among others."""
    return f"terraform login on {now():%Y-%m-%d}"
