"""Settings from the environment."""

import re
import stat
import sys
import threading
from dataclasses import FrozenInstanceError, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.variables import (
    InvalidSettingError,
    MailServer,
    Posthog,
    ScheduledBackups,
    load_or_create_secret,
    sqlalchemy_url,
)

SECRET = "a secret of more than thirty-two characters"
TOKEN = "a-token-of-more-than-thirty-two-characters"


def settings(home: Path, **environment: str) -> Settings:
    return Settings.from_environment({"GROUNDPLAN_HOME": str(home), **environment})


def test_without_variables_everything_has_a_default(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    found = settings(home)
    assert found == Settings(
        home=home,
        database_url=f"sqlite:///{home / 'groundplan.sqlite3'}",
        secret_key=(home / "secret.key").read_text(),
        encryption_keys=((home / "encryption.key").read_text(),),
        bootstrap_token=None,
        bootstrap_password=None,
        bootstrap_organization="groundplan",
        organization_creation="admins",
        request_bytes=2_000_000,
        pool_size=5,
        trusted_proxies=0,
        log_level="INFO",
    )


def test_the_home_is_below_the_current_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({}).home == tmp_path / "instance"
    assert (tmp_path / "instance" / "secret.key").is_file()


def networks(*texts: str) -> tuple[Any, ...]:
    return tuple(ip_network(each) for each in texts)


VARIABLES: list[tuple[str, str, str, Any]] = [
    ("DATABASE_URL", "sqlite:////var/lib/x.sqlite3", "database_url", "sqlite:////var/lib/x.sqlite3"),
    ("DATABASE_URL", "postgres://u:p@db/x", "database_url", "postgresql+psycopg2://u:p@db/x"),
    ("DATABASE_URL", "postgresql+psycopg://u:p@db/x", "database_url", "postgresql+psycopg://u:p@db/x"),
    ("GROUNDPLAN_SECRET_KEY", SECRET, "secret_key", SECRET),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", TOKEN, "bootstrap_token", TOKEN),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "x" * 32, "bootstrap_token", "x" * 32),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "x" * 512, "bootstrap_token", "x" * 512),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "", "bootstrap_token", None),
    ("GROUNDPLAN_OUTBOUND_PRIVATE", "", "outbound_private", ()),
    ("GROUNDPLAN_OUTBOUND_PRIVATE", "10.0.0.0/8, fd00::/8", "outbound_private", networks("10.0.0.0/8", "fd00::/8")),
    ("GROUNDPLAN_OUTBOUND_PRIVATE", "any", "outbound_private", networks("0.0.0.0/0", "::/0")),
    ("GROUNDPLAN_ORGANIZATION", "acme", "bootstrap_organization", "acme"),
    ("GROUNDPLAN_ORGANIZATION_CREATION", "users", "organization_creation", "users"),
    ("GROUNDPLAN_ORGANIZATION_CREATION", "admins", "organization_creation", "admins"),
    ("GROUNDPLAN_ORGANIZATION_CREATION", "", "organization_creation", "admins"),
    ("GROUNDPLAN_POOL_SIZE", "12", "pool_size", 12),
    ("GROUNDPLAN_POOL_SIZE", "", "pool_size", 5),
    ("GROUNDPLAN_REQUESTS_PER_SECOND", "0", "requests_per_second", 0),
    ("GROUNDPLAN_REQUESTS_PER_SECOND", "30", "requests_per_second", 30),
    ("GROUNDPLAN_ORGANIZATION_REQUESTS_PER_SECOND", "90", "organization_requests_per_second", 90),
    ("GROUNDPLAN_STATEMENT_SECONDS", "60", "statement_seconds", 60),
    ("GROUNDPLAN_STATEMENT_SECONDS", "0", "statement_seconds", 0),
    ("GROUNDPLAN_STATEMENT_SECONDS", "", "statement_seconds", 20),
    ("GROUNDPLAN_TRUSTED_PROXIES", "2", "trusted_proxies", 2),
    ("GROUNDPLAN_TRUSTED_PROXIES", "0", "trusted_proxies", 0),
    ("GROUNDPLAN_TRUSTED_PROXIES", "", "trusted_proxies", 0),
    ("GROUNDPLAN_LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("GROUNDPLAN_LOG_LEVEL", "WARNING", "log_level", "WARNING"),
    ("GROUNDPLAN_POSTHOG_KEY", "phc_1", "posthog", Posthog(key="phc_1", host="https://us.i.posthog.com")),
    ("GROUNDPLAN_POSTHOG_KEY", "", "posthog", None),
    ("GROUNDPLAN_POSTHOG_READS", "1", "posthog", None),
    ("GROUNDPLAN_SIGN_UP", "", "sign_up", "invited"),
    ("GROUNDPLAN_SIGN_UP", "invited", "sign_up", "invited"),
    ("GROUNDPLAN_SIGN_UP", "nobody", "sign_up", "nobody"),
    ("GROUNDPLAN_POSTHOG_HOST", "https://eu.i.posthog.com", "posthog", None),
    ("GROUNDPLAN_URL", "https://plan.example.test/base/", "url", "https://plan.example.test/base"),
    ("GROUNDPLAN_URL", "", "url", None),
    ("GROUNDPLAN_SMTP_URL", "", "mail_server", None),
    ("GROUNDPLAN_CONFIGURATION_DAYS", "10", "configuration_days", 10),
    ("GROUNDPLAN_RECOVERABLE_DAYS", "0", "recoverable_days", 0),
    ("GROUNDPLAN_RECOVERABLE_DAYS", "", "recoverable_days", 7),
    ("GROUNDPLAN_CONFIGURATION_MEGABYTES", "10", "configuration_bytes", 10 * 2**20),
    ("GROUNDPLAN_INVITATION_DAYS", "", "invitation_days", 7),
    ("GROUNDPLAN_INVITATION_DAYS", "365", "invitation_days", 365),
]


@pytest.mark.parametrize(("variable", "value", "member", "expected"), VARIABLES)
def test_a_variable_is_taken(tmp_path: Path, variable: str, value: str, member: str, expected: Any) -> None:
    assert getattr(settings(tmp_path, **{variable: value}), member) == expected


BAD = [
    ("DATABASE_URL", "groundplan.sqlite3"),
    ("DATABASE_URL", "mysql://u:p@db/x"),
    ("DATABASE_URL", "postgresql+asyncpg://u:p@db/x"),
    ("DATABASE_URL", "sqlite+pysqlite://"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("GROUNDPLAN_SECRET_KEY", "x" * 31),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "x" * 31),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "x" * 513),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", "a blank in a token that is long enough"),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", f"{TOKEN}\n"),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", f" {TOKEN}"),
    ("GROUNDPLAN_BOOTSTRAP_TOKEN", f"{TOKEN}\u00e9"),
    ("GROUNDPLAN_ORGANIZATION_CREATION", "everybody"),
    ("GROUNDPLAN_SIGN_UP", "everybody"),
    ("GROUNDPLAN_ORGANIZATION_CREATION", "Users"),
    ("GROUNDPLAN_POOL_SIZE", "0"),
    ("GROUNDPLAN_POOL_SIZE", "-1"),
    ("GROUNDPLAN_POOL_SIZE", "1.5"),
    ("GROUNDPLAN_POOL_SIZE", "1_0"),
    ("GROUNDPLAN_POOL_SIZE", " 5"),
    ("GROUNDPLAN_POOL_SIZE", "five"),
    ("GROUNDPLAN_POOL_SIZE", "\uff15"),
    ("GROUNDPLAN_POOL_SIZE", "9" * 5000),
    ("GROUNDPLAN_TRUSTED_PROXIES", "-1"),
    ("GROUNDPLAN_TRUSTED_PROXIES", "yes"),
    ("GROUNDPLAN_LOG_LEVEL", "loud"),
    ("GROUNDPLAN_URL", "plan.example.test"),
    ("GROUNDPLAN_URL", "ftp://plan.example.test"),
    ("GROUNDPLAN_URL", "https://plan.example.test?x=1"),
    ("GROUNDPLAN_URL", "https://plan.example.test/a b"),
    ("GROUNDPLAN_CONFIGURATION_MEGABYTES", "0"),
    ("GROUNDPLAN_INVITATION_DAYS", "0"),
    ("GROUNDPLAN_INVITATION_DAYS", "366"),
    # Without an address for links.
    ("GROUNDPLAN_SMTP_URL", "smtp://mail.example.test"),
]


@pytest.mark.parametrize(("variable", "value"), BAD, ids=lambda text: ascii(text)[:60])
def test_a_bad_value_is_refused_by_the_name_of_its_variable(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=variable) as caught:
        settings(tmp_path, **{variable: value})
    # It may be a secret.
    assert value.strip() not in str(caught.value)


@pytest.mark.parametrize("text", ["all", "10.0.0.1/8", "10.0.0.0/8;fd00::/8"])
def test_private_networks_must_be_some(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_OUTBOUND_PRIVATE must be any, or networks"):
        settings(tmp_path, GROUNDPLAN_OUTBOUND_PRIVATE=text)


def test_posthog_is_asked_for_by_its_key_and_may_be_elsewhere(tmp_path: Path) -> None:
    given = {"GROUNDPLAN_POSTHOG_KEY": "phc_1", "GROUNDPLAN_POSTHOG_HOST": "http://posthog.internal:8000"}
    assert settings(tmp_path, **given).posthog == Posthog(key="phc_1", host="http://posthog.internal:8000")
    assert settings(tmp_path, **given | {"GROUNDPLAN_POSTHOG_READS": "1"}).posthog == Posthog(
        key="phc_1", host="http://posthog.internal:8000", reads=True
    )
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_POSTHOG_READS"):
        settings(tmp_path, **given | {"GROUNDPLAN_POSTHOG_READS": "yes"})
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_POSTHOG_HOST"):
        settings(tmp_path, **given | {"GROUNDPLAN_POSTHOG_HOST": "posthog.internal"})


PUBLIC = {"GROUNDPLAN_URL": "https://plan.example.test"}
SERVER = MailServer(host="mail.example.test", port=25, sender="groundplan@mail.example.test")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.test", SERVER),
        ("smtp://mail.example.test:2525/?starttls=0", replace(SERVER, port=2525)),
        ("smtps://mail.example.test", replace(SERVER, port=465, begins_with_tls=True)),
        (
            "smtp://a%40b:p%2Fw@mail.example.test:587?starttls=1",
            replace(SERVER, port=587, username="a@b", password="p/w", turns_to_tls=True),
        ),
    ],
)
def test_a_mail_server_is_a_url(tmp_path: Path, url: str, expected: MailServer) -> None:
    found = settings(tmp_path, **PUBLIC, GROUNDPLAN_SMTP_URL=url)
    assert found.mail_server == expected
    assert "p/w" not in repr(found)
    given = settings(tmp_path, **PUBLIC, GROUNDPLAN_SMTP_URL=url, GROUNDPLAN_MAIL_FROM="plan@example.test")
    assert given.mail_server == replace(expected, sender="plan@example.test")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.test",
        "http://mail.example.test",
        "smtp://",
        "smtp://u:secret@mail.example.test:port",
        "smtp://mail.example.test:70000",
        "smtp://mail.example.test/path",
        "smtp://mail.example.test?starttls=yes",
        "smtp://mail.example.test?starttls",
        "smtp://mail.example.test?tls=1",
        "smtps://mail.example.test?starttls=1",
        "smtp://[mail",
    ],
)
def test_a_url_that_names_no_mail_server_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_SMTP_URL") as caught:
        settings(tmp_path, **PUBLIC, GROUNDPLAN_SMTP_URL=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("sender", ["plan", "plan@example.test\r\nBcc: x@example.test", "Plan <plan@example.test>"])
def test_a_sender_is_an_address(tmp_path: Path, sender: str) -> None:
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_MAIL_FROM"):
        settings(tmp_path, **PUBLIC, GROUNDPLAN_SMTP_URL="smtp://mail.example.test", GROUNDPLAN_MAIL_FROM=sender)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@db:5432/x?sslmode=require", "postgresql+psycopg2://u:p@db:5432/x?sslmode=require"),
        ("postgresql://u@/x?host=/run", "postgresql+psycopg2://u@/x?host=/run"),
        ("postgresql+psycopg2://db/x", "postgresql+psycopg2://db/x"),
        ("postgresql+psycopg://db/x", "postgresql+psycopg://db/x"),
        ("sqlite:///x.sqlite3", "sqlite:///x.sqlite3"),
    ],
)
def test_a_url_without_a_driver_means_psycopg2(given: str, expected: str) -> None:
    assert sqlalchemy_url(given) == expected


def test_psycopg_3_without_its_extra_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if it were not installed.
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidSettingError, match=r"^DATABASE_URL .* the extra groundplan\[psycopg\]: pip install "):
        settings(tmp_path, DATABASE_URL="postgresql+psycopg://u:p@db/x")
    settings(tmp_path, DATABASE_URL="postgresql://u:p@db/x")


def test_settings_never_change(tmp_path: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        settings(tmp_path).pool_size = 6  # type: ignore[misc]


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = settings(tmp_path).secret_key
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert settings(tmp_path).secret_key == first == path.read_text()
    assert {each.name for each in tmp_path.iterdir()} == {"secret.key", "encryption.key"}
    assert stat.S_IMODE((tmp_path / "encryption.key").stat().st_mode) == 0o600


def test_each_home_has_a_secret_of_its_own(tmp_path: Path) -> None:
    assert settings(tmp_path / "one").secret_key != settings(tmp_path / "two").secret_key


def test_a_secret_of_the_operator_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text(f"{SECRET}\n")
    assert settings(tmp_path).secret_key == SECRET


def test_an_emptied_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_SECRET_KEY"):
        settings(tmp_path)


def test_no_secret_is_kept_when_the_environment_has_one(tmp_path: Path) -> None:
    settings(tmp_path, GROUNDPLAN_SECRET_KEY=SECRET, GROUNDPLAN_ENCRYPTION_KEYS=SECRET)
    assert list(tmp_path.iterdir()) == []


def test_encryption_keys_are_separated_by_commas(tmp_path: Path) -> None:
    other = SECRET[::-1]
    found = settings(tmp_path, GROUNDPLAN_ENCRYPTION_KEYS=f"{other}, {SECRET}")
    assert found.encryption_keys == (other, SECRET)


@pytest.mark.parametrize("keys", ["short", f"{SECRET},", f"{SECRET},short", ","])
def test_a_short_encryption_key_is_told(tmp_path: Path, keys: str) -> None:
    with pytest.raises(InvalidSettingError, match="GROUNDPLAN_ENCRYPTION_KEYS"):
        settings(tmp_path, GROUNDPLAN_ENCRYPTION_KEYS=keys)


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.key"
    exists = Path.exists
    both_looked = threading.Barrier(2, timeout=10)

    def look_and_wait(self: Path, **options: bool) -> bool:
        found = exists(self, **options)
        if self == path:
            both_looked.wait()
        return found

    # Both see that there is no file before either of them makes it.
    monkeypatch.setattr(Path, "exists", look_and_wait)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(load_or_create_secret(path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 2
    assert len(set(found)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["secret.key"]


def test_scheduled_backups_need_something_to_be_encrypted_to(tmp_path: Path) -> None:
    folder = {"GROUNDPLAN_BACKUP_FOLDER": str(tmp_path / "b")}
    assert settings(tmp_path, GROUNDPLAN_BACKUP_RECIPIENT="age1x").backups is None
    found = settings(tmp_path, **folder, GROUNDPLAN_BACKUP_PASSPHRASE_FILE="/p", GROUNDPLAN_BACKUP_KEEP="3").backups
    assert found == ScheduledBackups(folder=tmp_path / "b", hours=24, keep=3, passphrase_file=Path("/p"))
    for given in (
        {},
        {"GROUNDPLAN_BACKUP_RECIPIENT": "age1x", "GROUNDPLAN_BACKUP_PASSPHRASE_FILE": "/p"},
        {"GROUNDPLAN_BACKUP_RECIPIENT": "ssh-ed25519 x"},
    ):
        with pytest.raises(InvalidSettingError, match="GROUNDPLAN_BACKUP_RECIPIENT"):
            settings(tmp_path, **folder, **given)
