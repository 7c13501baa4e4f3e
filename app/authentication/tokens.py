"""The text of tokens, and the digest that is stored instead."""

import hmac
import secrets
import string

LETTERS = string.ascii_letters + string.digits
# The format of HCP Terraform's tokens; some clients recognize tokens by the middle part.
HEAD, MIDDLE, TAIL = 14, "atlasv1", 67
MAXIMUM_LENGTH = 512
RUN_PREFIX = "run."
TASK_PREFIX = "task."


def new_token() -> str:
    """A fresh token: 81 random letters and digits, over 480 bits."""
    head = "".join(secrets.choice(LETTERS) for _ in range(HEAD))
    tail = "".join(secrets.choice(LETTERS) for _ in range(TAIL))
    return f"{head}.{MIDDLE}.{tail}"


def new_run_token() -> str:
    """A fresh token for terraform in a run, which is told from others by its beginning."""
    return f"{RUN_PREFIX}{MIDDLE}.{''.join(secrets.choice(LETTERS) for _ in range(HEAD + TAIL))}"


def is_run_token(token: str) -> bool:
    """Whether the token may be one of a run. Only an operator's own choice of a token begins so by chance."""
    return token.startswith(RUN_PREFIX) and len(token) <= MAXIMUM_LENGTH


def run_task_token(result_id: str, secret_key: str) -> str:
    """The token with which a run task gives this result. It is always the same, so a repeated request has it, too."""
    message = f"groundplan token of the task result {result_id}".encode()
    return f"{TASK_PREFIX}{MIDDLE}.{result_id}.{hmac.digest(secret_key.encode(), message, 'sha256').hex()}"


def result_of_token(token: str, secret_key: str) -> str | None:
    """The id of the task result that the token is for; None if it is no such token of this service."""
    parts = token.split(".")
    if len(token) > MAXIMUM_LENGTH or len(parts) != 4 or not token.startswith(f"{TASK_PREFIX}{MIDDLE}."):  # noqa: PLR2004
        return None
    return parts[2] if same(token, run_task_token(parts[2], secret_key)) else None


def built_in_pool_token(secret_key: str) -> str:
    """The token of the built-in agent pool, which anyone who knows the secret key can tell: nobody has to store it."""
    derived = hmac.digest(secret_key.encode(), b"groundplan token of the built-in agent pool", "sha256").hex()
    return f"built-in.{MIDDLE}.{derived}"


def digest(token: str, key: str) -> str:
    """The keyed hash of a token, for storing. Without the key, a stolen table can't even be used to check guesses."""
    return hmac.digest(key.encode(), token.encode(errors="surrogatepass"), "sha256").hex()


def same(given: str, stored: str) -> bool:
    """Whether two digests are equal, in a time that does not reveal where they differ."""
    return hmac.compare_digest(given.encode(), stored.encode())
