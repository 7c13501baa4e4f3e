"""Reading the environment variables of settings, each refused with its name if it can't work."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

# The limit of HCP Terraform.
LOWEST_RATE = 30
POSTHOG_HOST = "https://us.i.posthog.com"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?")
SENDER = re.compile(r"[^@\s]+@[^@\s]+")
PSYCOPG_2, PSYCOPG_3 = "postgresql+psycopg2://", "postgresql+psycopg://"
# The port, and whether the connection begins with TLS.
MAIL_SCHEMES = {"smtp": (25, False), "smtps": (465, True)}


class InvalidSettingError(ValueError):
    """A setting that the service can't start with; the text names the environment variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket for objects, instead of files on the disk; Amazon's S3 unless an endpoint is given."""

    name: str
    endpoint: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledBackups:
    """Where backups are made again and again, how often, how many are kept, and what they are encrypted to."""

    folder: Path
    hours: int
    keep: int
    recipient: str | None = None
    passphrase_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posthog:
    """The PostHog project that gets events."""

    key: str = field(repr=False)
    host: str
    # Whether it also hears of each project that is read.
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that sends the service's mail, and the sender's address."""

    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    begins_with_tls: bool = False
    turns_to_tls: bool = False


def sqlalchemy_url(url: str) -> str:
    """The URL with a driver: ``postgres://`` and ``postgresql://`` mean psycopg2."""
    # Without a name of a driver, SQLAlchemy would use psycopg2 up to 2.0 and psycopg 3 from 2.1 on.
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return PSYCOPG_2 + url.removeprefix(scheme)
    return url


def whole_number(given: Mapping[str, str], name: str, default: int) -> int:
    """The whole number in the variable ``name``: a positive one, or the default."""
    text = given.get(name)
    if not text or text == str(default):
        return default
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        message = f"{name} must be a positive whole number"
        raise InvalidSettingError(message)
    return int(text)


def whole_number_or_none(given: Mapping[str, str], name: str, default: int) -> int:
    """The whole number in the variable ``name``, where 0 stands for none; or the default."""
    return 0 if given.get(name) == "0" else whole_number(given, name, default)


def rate_of(given: Mapping[str, str], name: str, default: int) -> int:
    """The number of requests a second in the variable ``name``; 0 for no limit."""
    rate = whole_number_or_none(given, name, default)
    if 0 < rate < LOWEST_RATE:
        message = (
            f"{name} must be 0 for no limit, or at least {LOWEST_RATE}: HashiCorp's clients take it for their pace, "
            "and stop at a lower one"
        )
        raise InvalidSettingError(message)
    return rate


def bucket_of(given: Mapping[str, str]) -> Bucket | None:
    """The bucket in the variables; None if objects are stored as files in the home folder."""
    name, endpoint = given.get("GROUNDPLAN_S3_BUCKET"), given.get("GROUNDPLAN_S3_ENDPOINT") or None
    if not name:
        return None
    if endpoint and not endpoint.startswith(("http://", "https://")):
        message = "GROUNDPLAN_S3_ENDPOINT must begin with http:// or https://"
        raise InvalidSettingError(message)
    return Bucket(name=name, endpoint=endpoint, region=given.get("GROUNDPLAN_S3_REGION") or None)


def scheduled_backups_of(given: Mapping[str, str]) -> ScheduledBackups | None:
    """The backups in the variables; None without a folder."""
    folder = given.get("GROUNDPLAN_BACKUP_FOLDER")
    if not folder:
        return None
    recipient, file = given.get("GROUNDPLAN_BACKUP_RECIPIENT"), given.get("GROUNDPLAN_BACKUP_PASSPHRASE_FILE")
    if bool(recipient) == bool(file):
        message = (
            "GROUNDPLAN_BACKUP_FOLDER needs either GROUNDPLAN_BACKUP_RECIPIENT, a public key of age, or "
            "GROUNDPLAN_BACKUP_PASSPHRASE_FILE"
        )
        raise InvalidSettingError(message)
    if recipient and not recipient.startswith("age1"):
        message = "GROUNDPLAN_BACKUP_RECIPIENT must be a public key of age, which begins with age1"
        raise InvalidSettingError(message)
    return ScheduledBackups(
        folder=Path(folder).absolute(),
        hours=whole_number(given, "GROUNDPLAN_BACKUP_HOURS", 24),
        keep=whole_number(given, "GROUNDPLAN_BACKUP_KEEP", 7),
        recipient=recipient or None,
        passphrase_file=Path(file).absolute() if file else None,
    )


def posthog_of(given: Mapping[str, str]) -> Posthog | None:
    """The PostHog project in the variables; None without a key."""
    key, host = given.get("GROUNDPLAN_POSTHOG_KEY"), given.get("GROUNDPLAN_POSTHOG_HOST") or POSTHOG_HOST
    if not key:
        return None
    if not host.startswith(("http://", "https://")):
        message = "GROUNDPLAN_POSTHOG_HOST must begin with http:// or https://"
        raise InvalidSettingError(message)
    reads = given.get("GROUNDPLAN_POSTHOG_READS") or "0"
    if reads not in {"0", "1"}:
        message = "GROUNDPLAN_POSTHOG_READS must be 0 or 1"
        raise InvalidSettingError(message)
    return Posthog(key=key, host=host, reads=reads == "1")


def mail_server_of(given: Mapping[str, str]) -> MailServer | None:
    """The mail server in the variables, as ``smtp://user:password@host:587?starttls=1`` or ``smtps://…``.

    Without one the service sends no mail.
    """
    url = given.get("GROUNDPLAN_SMTP_URL")
    if not url:
        return None
    # The URL may contain a password, so errors don't repeat it.
    message = (
        "GROUNDPLAN_SMTP_URL must be smtp://host or smtps://host, with port, user:password@ and ?starttls=1 if needed"
    )
    try:
        parts = urlsplit(url)
        host, port, options = parts.hostname, parts.port, parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise InvalidSettingError(message) from None
    if parts.scheme not in MAIL_SCHEMES or not host or parts.path not in {"", "/"} or set(options) - {"starttls"}:
        raise InvalidSettingError(message)
    usual_port, begins_with_tls = MAIL_SCHEMES[parts.scheme]
    starttls = options.get("starttls", ["0"])
    if starttls not in (["0"], ["1"]) or (begins_with_tls and starttls == ["1"]):
        raise InvalidSettingError(message)
    sender = given.get("GROUNDPLAN_MAIL_FROM") or f"groundplan@{host}"
    if not SENDER.fullmatch(sender):
        message = "GROUNDPLAN_MAIL_FROM must be an e-mail address"
        raise InvalidSettingError(message)
    return MailServer(
        host=host,
        port=port or usual_port,
        sender=sender,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        begins_with_tls=begins_with_tls,
        turns_to_tls=starttls == ["1"],
    )


def networks_of(given: Mapping[str, str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks in the variables; ``any`` stands for every one."""
    text = given.get("GROUNDPLAN_OUTBOUND_PRIVATE") or ""
    listed = ("0.0.0.0/0", "::/0") if text == "any" else split_csv(text) if text else ()
    try:
        return tuple(ip_network(each) for each in listed)
    except ValueError:
        message = "GROUNDPLAN_OUTBOUND_PRIVATE must be any, or networks such as 10.0.0.0/8, separated by commas"
        raise InvalidSettingError(message) from None


def origins_of(given: Mapping[str, str]) -> tuple[str, ...]:
    """The sites in the variable, as browsers name them; ``*`` stands for every one."""
    text = given.get("GROUNDPLAN_CORS_ORIGINS") or ""
    listed = split_csv(text) if text else ()
    if listed != ("*",) and not all(ORIGIN.fullmatch(each) for each in listed):
        message = (
            "GROUNDPLAN_CORS_ORIGINS must be *, or origins such as https://portal.example.com, separated by commas: "
            "scheme, host and perhaps port, without a path"
        )
        raise InvalidSettingError(message)
    return listed


def split_csv(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list."""
    return tuple(item.strip() for item in text.split(","))


def create_home(home: Path) -> None:
    """Create the folder, and refuse one in which nothing can be created."""
    reason = "it is read-only, or another user's"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = str(error.strerror)
    if not os.access(home, os.W_OK | os.X_OK):
        message = f"GROUNDPLAN_HOME must be a folder that can be written, and {home} can't: {reason}"
        raise InvalidSettingError(message)


def load_or_create_secret(path: Path) -> str:
    """The secret in the file; it is created at the first start.

    Two processes that start at once must use the same secret. So a complete file is linked to its name: the name exists
    with the whole secret or not at all, and the second process reads the secret of the first one.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
