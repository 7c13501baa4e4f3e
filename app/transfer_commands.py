"""Commands about moving: exporting a project."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.backups.archive import BackupError
from app.backups.encryption import Lock, passphrase_in
from app.services import services
from app.storage.store import StoreUnavailable
from app.transfer.client import Refused
from app.transfer.exporting import export
from app.transfer.records import WORKSPACES, TransferError

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("export")
@with_appcontext
@click.argument("project")
@click.argument("file", type=_FILE)
@click.option(
    "--with-sensitive-values", is_flag=True, help="Put the values of sensitive variables into it; only if encrypted."
)
@click.option("--recipient", "recipients", multiple=True, help="Encrypt to this public key of age; may be repeated.")
@click.option("--passphrase-file", type=_FILE, help="Encrypt to the passphrase in the first line of this file.")
def export_command(
    project: str,
    file: Path,
    with_sensitive_values: bool,  # noqa: FBT001 - click passes flags so
    recipients: tuple[str, ...],
    passphrase_file: Path | None,
) -> None:
    """Write PROJECT, an id or organization/project, into an archive: settings, access, variables, states, code."""
    if passphrase_file is not None and recipients:
        raise click.UsageError("Say one of --passphrase-file and --recipient.")

    def exporting() -> None:
        lock = Lock(recipients=recipients, passphrase=passphrase_in(passphrase_file) if passphrase_file else None)
        done = export(
            _app(),
            services(),
            project,
            file,
            lock,
            with_values=with_sensitive_values,
            progress=_progress(),
        )
        workspaces, all_records = done.counts[WORKSPACES], sum(done.counts.values())
        click.echo(
            f"{file} has the project {done.project}: {workspaces:,} workspaces, {done.states:,} state versions, "
            f"{all_records:,} records in all."
        )
        if lock.is_open:
            click.echo("It is not encrypted. States often hold secrets: keep it as you keep them.", err=True)
        for note in done.left_out:
            click.echo(f"! {note}", err=True)

    in_one_sentence(exporting)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001 - as Flask's docs say


def _progress() -> Callable[[str], None]:
    """Tells on a terminal what is being read."""
    if not sys.stderr.isatty():
        return lambda _text: None
    return lambda text: click.echo(f"\r\x1b[K{text[:100]}\r", err=True, nl=False)


def in_one_sentence(work: Callable[[], Any]) -> None:
    """Do it; what goes wrong is one sentence."""
    try:
        work()
    except (BackupError, TransferError, Refused) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    except StoreUnavailable as error:
        raise click.ClickException(f"The store of objects failed: {error.__cause__ or error}.") from error
