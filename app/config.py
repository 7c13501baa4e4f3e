"""The settings: read from the environment once, checked, and never changed afterwards."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Self

from app.variables import (
    PSYCOPG_2,
    PSYCOPG_3,
    Bucket,
    InvalidSettingError,
    MailServer,
    Posthog,
    ScheduledBackups,
    bucket_of,
    create_home,
    load_or_create_secret,
    mail_server_of,
    networks_of,
    origins_of,
    posthog_of,
    rate_of,
    scheduled_backups_of,
    split_csv,
    sqlalchemy_url,
    whole_number,
    whole_number_or_none,
)

# Characters that are allowed unencoded in the header of a request.
TOKEN = re.compile("[!-~]{32,512}")
PASSWORD = re.compile(".{10,512}", re.DOTALL)
MINIMUM_SECRET_LENGTH = 32
MAXIMUM_DAYS = 365
ORGANIZATION_CREATION = ("admins", "users")
SIGN_UP = ("invited", "nobody")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# Host and port, as RFC 3986 allows them. In brackets there is more to check: see ``is_authority``.
AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::(?P<port>[0-9]*))?", re.ASCII
)
# One or more segments without a slash at the end, of characters that need no quotes in addresses and cookies.
SUB_PATH = re.compile("(?:/[A-Za-z0-9._~@:+-]+)+", re.ASCII)
# A sub-path that begins like the service's own paths could not be told from them. Clients resolve dots as segments.
OWN_SEGMENTS = {"api", "docs", "invitations", "oauth", "objects", "sign-in", "sign-out", ".well-known"}
# An SQLite database in memory would be another one for each connection.
DATABASE_URL = re.compile(
    rf"({re.escape(PSYCOPG_2)}|{re.escape(PSYCOPG_3)}).*|sqlite(\+pysqlite)?:///(?!:memory:)[^?]+.*", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator decides.

    ``home`` is the folder of the embedded database and the generated keys. ``database_url`` is an SQLAlchemy URL.
    ``secret_key`` keys the token digests; changing it revokes every token. ``encryption_keys`` decrypt what is stored;
    the first of them encrypts. ``organization_creation`` says who may create organizations (``admins``: site
    administrators, ``users``: every user). ``sign_up`` says who may make an account (``invited``: whoever has the link
    of an invitation, ``nobody``: only operators make them). ``request_bytes`` limits the size of a body,
    ``state_bytes`` that of a state, ``configuration_bytes`` that of the archive of a configuration. ``trusted_proxies``
    is how many proxies are trusted about the address of the request. ``url`` is the address at which clients and people
    reach the service: the base of every absolute address. ``invitation_days`` is how many days an invitation can be
    accepted.
    """

    home: Path
    database_url: str
    secret_key: str
    encryption_keys: tuple[str, ...]
    bootstrap_token: str | None = None
    bootstrap_password: str | None = None
    bootstrap_organization: str = "groundplan"
    organization_creation: str = "admins"
    sign_up: str = "invited"
    # A value of a variable has up to 256 KB, and a client that escapes each character sends six times as much.
    request_bytes: int = 2_000_000
    state_bytes: int = 100 * 2**20
    configuration_bytes: int = 256 * 2**20
    pool_size: int = 5
    # How long a statement of a request may take on PostgreSQL; 0 is without end.
    statement_seconds: int = 20
    # How fast a long body must arrive, on the average.
    body_kilobytes_per_second: int = 100
    # How many requests a second a token may send, and all tokens of an organization together; 0 is no limit.
    requests_per_second: int = 300
    organization_requests_per_second: int = 1000
    trusted_proxies: int = 0
    log_level: str = "INFO"
    log_format: str = "text"
    metrics_token: str | None = field(default=None, repr=False)
    # Whether traces are sent; where to, and how, OpenTelemetry itself reads from the environment.
    traces: bool = False
    # The sites whose scripts may use the API in a browser.
    cors_origins: tuple[str, ...] = ()
    bucket: Bucket | None = None
    backups: ScheduledBackups | None = None
    posthog: Posthog | None = None
    url: str | None = None
    port: str = "8080"
    mail_server: MailServer | None = None
    invitation_days: int = 7
    # How long an agent may be silent before its job is lost, and how long an apply waits for it after that.
    lease_seconds: int = 60
    # How long the files of a plan are kept after the end of its run. Logs and configurations stay as long as the run.
    plan_file_days: int = 30
    # After how many days a configuration that no run was made from is given up.
    configuration_days: int = 90
    # How long a workspace or project that was deleted can be recovered; 0 is not at all.
    recoverable_days: int = 7
    apply_grace_seconds: int = 15 * 60
    # How long a phase may take.
    plan_seconds: int = 2 * 60 * 60
    apply_seconds: int = 24 * 60 * 60
    # How many agents are started beside the service, and how many workers.
    agents: int = 1
    workers: int = 1
    # How many background tasks a worker does at once, and how long its tasks stay its own when it is gone.
    worker_threads: int = 4
    worker_lease_seconds: int = 30
    # The networks beside the internet that webhooks of users may lead to.
    outbound_private: tuple[IPv4Network | IPv6Network, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that can't work, before anything is opened."""
        if self.bootstrap_token is not None and not TOKEN.fullmatch(self.bootstrap_token):
            message = "GROUNDPLAN_BOOTSTRAP_TOKEN must have 32 to 512 characters, all of them ASCII and none a blank"
            raise InvalidSettingError(message)
        if self.bootstrap_password is not None and not PASSWORD.fullmatch(self.bootstrap_password):
            message = "GROUNDPLAN_BOOTSTRAP_PASSWORD must have 10 to 512 characters"
            raise InvalidSettingError(message)
        if len(self.secret_key) < MINIMUM_SECRET_LENGTH:
            message = f"GROUNDPLAN_SECRET_KEY must have at least {MINIMUM_SECRET_LENGTH} characters"
            raise InvalidSettingError(message)
        if not self.encryption_keys or any(len(key) < MINIMUM_SECRET_LENGTH for key in self.encryption_keys):
            message = (
                f"GROUNDPLAN_ENCRYPTION_KEYS must be keys of at least {MINIMUM_SECRET_LENGTH} characters each, "
                "separated by commas"
            )
            raise InvalidSettingError(message)
        if self.organization_creation not in ORGANIZATION_CREATION:
            message = f"GROUNDPLAN_ORGANIZATION_CREATION must be one of {', '.join(ORGANIZATION_CREATION)}"
            raise InvalidSettingError(message)
        if self.sign_up not in SIGN_UP:
            message = f"GROUNDPLAN_SIGN_UP must be one of {', '.join(SIGN_UP)}"
            raise InvalidSettingError(message)
        if self.log_level not in LOG_LEVELS:
            message = f"GROUNDPLAN_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}"
            raise InvalidSettingError(message)
        if self.log_format not in LOG_FORMATS:
            message = f"GROUNDPLAN_LOG_FORMAT must be one of {', '.join(LOG_FORMATS)}"
            raise InvalidSettingError(message)
        if self.metrics_token is not None and not TOKEN.fullmatch(self.metrics_token):
            message = "GROUNDPLAN_METRICS_TOKEN must have 32 to 512 characters, all of them ASCII and none a blank"
            raise InvalidSettingError(message)
        self._check_database()
        self._check_invitations()

    def _check_database(self) -> None:
        # The text of a URL may hold a password, so it is not repeated.
        if not DATABASE_URL.fullmatch(self.database_url):
            message = (
                "DATABASE_URL must begin with postgresql:// (or postgresql+psycopg2://, postgresql+psycopg://), "
                "or with sqlite:/// and the path of a file"
            )
            raise InvalidSettingError(message)
        if self.database_url.startswith(PSYCOPG_3) and not _is_importable("psycopg"):
            message = (
                "DATABASE_URL asks for psycopg 3, which needs the extra groundplan[psycopg]: "
                "pip install '.[psycopg]' in the checkout"
            )
            raise InvalidSettingError(message)

    def _check_invitations(self) -> None:
        if self.url is not None and not _is_base_url(self.url):
            message = (
                "GROUNDPLAN_URL must be http:// or https:// and a host, perhaps with a port and a path of letters, "
                f"digits and ._~@:+- that does not begin with {', '.join(sorted(OWN_SEGMENTS))}"
            )
            raise InvalidSettingError(message)
        if self.mail_server is not None and self.url is None:
            # A link in mail must not lead to a host that a client claims in its request.
            message = "GROUNDPLAN_SMTP_URL needs GROUNDPLAN_URL as well, the address for links in mail"
            raise InvalidSettingError(message)
        if self.invitation_days > MAXIMUM_DAYS:
            message = f"GROUNDPLAN_INVITATION_DAYS must be at most {MAXIMUM_DAYS}"
            raise InvalidSettingError(message)

    @property
    def own_url(self) -> str:
        """The address of the service where no request says one; unless it is set, this machine's own."""
        return self.url or f"http://localhost:{self.port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings from environment variables. Creates the home folder and, if needed, the secrets in it."""
        given = os.environ if environment is None else environment
        home = Path(given.get("GROUNDPLAN_HOME") or "instance").absolute()
        create_home(home)
        return cls(
            home=home,
            database_url=sqlalchemy_url(given.get("DATABASE_URL") or f"sqlite:///{home / 'groundplan.sqlite3'}"),
            secret_key=given.get("GROUNDPLAN_SECRET_KEY") or load_or_create_secret(home / "secret.key"),
            encryption_keys=split_csv(
                given.get("GROUNDPLAN_ENCRYPTION_KEYS") or load_or_create_secret(home / "encryption.key")
            ),
            bootstrap_token=given.get("GROUNDPLAN_BOOTSTRAP_TOKEN") or None,
            bootstrap_password=given.get("GROUNDPLAN_BOOTSTRAP_PASSWORD") or None,
            bootstrap_organization=given.get("GROUNDPLAN_ORGANIZATION") or "groundplan",
            organization_creation=given.get("GROUNDPLAN_ORGANIZATION_CREATION") or "admins",
            sign_up=given.get("GROUNDPLAN_SIGN_UP") or "invited",
            pool_size=whole_number(given, "GROUNDPLAN_POOL_SIZE", 5),
            statement_seconds=whole_number_or_none(given, "GROUNDPLAN_STATEMENT_SECONDS", 20),
            body_kilobytes_per_second=whole_number(given, "GROUNDPLAN_BODY_KILOBYTES_PER_SECOND", 100),
            requests_per_second=rate_of(given, "GROUNDPLAN_REQUESTS_PER_SECOND", 300),
            organization_requests_per_second=rate_of(given, "GROUNDPLAN_ORGANIZATION_REQUESTS_PER_SECOND", 1000),
            trusted_proxies=whole_number(given, "GROUNDPLAN_TRUSTED_PROXIES", 0),
            log_level=(given.get("GROUNDPLAN_LOG_LEVEL") or "INFO").upper(),
            log_format=(given.get("GROUNDPLAN_LOG_FORMAT") or "text").lower(),
            metrics_token=given.get("GROUNDPLAN_METRICS_TOKEN") or None,
            traces=any(given.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", "TRACES_ENDPOINT")),
            cors_origins=origins_of(given),
            bucket=bucket_of(given),
            backups=scheduled_backups_of(given),
            posthog=posthog_of(given),
            url=(given.get("GROUNDPLAN_URL") or "").rstrip("/") or None,
            port=given.get("PORT") or "8080",
            mail_server=mail_server_of(given),
            invitation_days=whole_number(given, "GROUNDPLAN_INVITATION_DAYS", 7),
            plan_file_days=whole_number(given, "GROUNDPLAN_PLAN_FILE_DAYS", 30),
            configuration_days=whole_number(given, "GROUNDPLAN_CONFIGURATION_DAYS", 90),
            recoverable_days=whole_number_or_none(given, "GROUNDPLAN_RECOVERABLE_DAYS", 7),
            lease_seconds=whole_number(given, "GROUNDPLAN_LEASE_SECONDS", 60),
            apply_grace_seconds=whole_number(given, "GROUNDPLAN_APPLY_GRACE_SECONDS", 15 * 60),
            plan_seconds=whole_number(given, "GROUNDPLAN_PLAN_SECONDS", 2 * 60 * 60),
            apply_seconds=whole_number(given, "GROUNDPLAN_APPLY_SECONDS", 24 * 60 * 60),
            configuration_bytes=whole_number(given, "GROUNDPLAN_CONFIGURATION_MEGABYTES", 256) * 2**20,
            agents=whole_number_or_none(given, "GROUNDPLAN_AGENTS", 1),
            workers=whole_number_or_none(given, "GROUNDPLAN_WORKERS", 1),
            worker_threads=whole_number(given, "GROUNDPLAN_WORKER_THREADS", 4),
            worker_lease_seconds=whole_number(given, "GROUNDPLAN_WORKER_LEASE_SECONDS", 30),
            outbound_private=networks_of(given),
        )


def is_authority(text: str) -> bool:
    """Whether the text is a host, perhaps with a port, by RFC 3986. A zone after an IPv6 address is none of it."""
    found = AUTHORITY.fullmatch(text)
    if found is None:
        return False
    host = found["host"]
    if not host.startswith("["):
        return True
    try:
        IPv6Address(host[1:-1])
    except AddressValueError:
        return False
    return True


def _is_base_url(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme in {"http", "https"} and is_authority(authority) and (not slash or is_sub_path(f"/{path}"))


def is_sub_path(path: str) -> bool:
    """Whether the service can stand below this path."""
    segments = path.split("/")[1:]
    return SUB_PATH.fullmatch(path) is not None and segments[0] not in OWN_SEGMENTS and not {".", ".."} & set(segments)


def _is_importable(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        # Not installed, or installed without the library that it needs.
        return False
    return True
