"""Commands about backups: making, verifying and restoring one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.backups.archive import BackupError
from app.backups.creating import create
from app.backups.encryption import Keys, Lock, identities_in, passphrase_in
from app.backups.restoring import restore
from app.backups.verifying import verify
from app.services import services
from app.storage.store import StoreUnavailable

MEGABYTE = 10**6

backup_commands = AppGroup("backup", help="Backups of the database and the stored objects, in one file.")

_FILE = click.Path(dir_okay=False, path_type=Path)
_file_argument = click.argument("file", type=_FILE)
_passphrase_option = click.option(
    "--passphrase-file", type=_FILE, help="A file whose first line is the passphrase of the backup."
)
_identity_option = click.option(
    "--identity-file", type=_FILE, help="A file with a secret key of age, for a backup to a recipient."
)


@backup_commands.command("create")
@_file_argument
@_passphrase_option
@click.option("--recipient", "recipients", multiple=True, help="Encrypt to this public key of age; may be repeated.")
@click.option("--unencrypted", is_flag=True, help="Encrypt to nobody: who has the file reads all but sealed secrets.")
@click.option("--with-keys", is_flag=True, help="Put the secret and encryption keys of the service into it as well.")
def create_command(
    file: Path,
    passphrase_file: Path | None,
    recipients: tuple[str, ...],
    unencrypted: bool,  # noqa: FBT001 - click passes flags so
    with_keys: bool,  # noqa: FBT001
) -> None:
    """Write a backup to FILE, while the service runs: the database and the objects as they are at one moment."""
    if (passphrase_file is not None) + bool(recipients) + unencrypted != 1:
        raise click.UsageError("Say one of --passphrase-file, --recipient and --unencrypted.")

    def creating() -> None:
        lock = Lock(recipients=recipients, passphrase=passphrase_in(passphrase_file) if passphrase_file else None)
        made = create(services(), file, lock, with_keys=with_keys)
        click.echo(
            f"{file} has {made.rows:,} rows of {made.tables} tables and {made.objects:,} objects of "
            f"{_megabytes(made.object_bytes)}: {_megabytes(made.bytes)}, made in {made.seconds:.1f} seconds."
        )
        if made.missing:
            click.echo(
                f"{made.missing} objects that rows name are not in the store, and so not in the backup.", err=True
            )

    _in_one_sentence(creating)


@backup_commands.command("verify")
@_file_argument
@_passphrase_option
@_identity_option
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to restore to meanwhile; by default the system's folder for temporary files.",
)
def verify_command(file: Path, passphrase_file: Path | None, identity_file: Path | None, scratch: Path | None) -> None:
    """Restore FILE into a scratch folder and compare; the exit status is 1 if anything differs."""

    def verifying() -> None:
        found = verify(file, _keys(passphrase_file, identity_file), services().keyring, scratch)
        click.echo(f"{file} was made at {found.head['created_at'][:19]} UTC from {found.head['database']}.")
        click.echo(f"Restored and compared: {found.rows:,} rows of {found.tables} tables, and what they refer to;")
        click.echo(f"{found.objects:,} objects opened, {found.states:,} states compared with their hashes.")
        for difference in found.differences:
            click.echo(f"- {difference}", err=True)
        if found.differences:
            raise BackupError("The backup is not good.")
        click.echo(f"The backup is good ({found.seconds:.1f} seconds).")

    _in_one_sentence(verifying)


@backup_commands.command("restore")
@_file_argument
@_passphrase_option
@_identity_option
def restore_command(file: Path, passphrase_file: Path | None, identity_file: Path | None) -> None:
    """Restore FILE into the database and the store of the service, which must be empty. Stop the service before."""

    def restoring() -> None:
        done = restore(services(), file, _keys(passphrase_file, identity_file))
        rows = sum(each["rows"] for each in done.manifest["tables"].values())
        click.echo(f"Restored {rows:,} rows and {done.manifest['objects']:,} objects of {file}.")
        if done.has_keys:
            click.echo("The keys of the service were restored, too.")
        if done.are_tokens_void:
            click.echo("The secret key is another one than that of the backup: all tokens are void.", err=True)
        click.echo(
            "Auto-destroy is held back: look at `groundplan admin auto-destroy status`, then run "
            "`groundplan admin auto-destroy resume` (in a checkout: `flask auto-destroy …`)."
        )

    _in_one_sentence(restoring)


def _keys(passphrase_file: Path | None, identity_file: Path | None) -> Keys:
    return Keys(
        identities=identities_in(identity_file) if identity_file else (),
        passphrase=passphrase_in(passphrase_file) if passphrase_file else None,
    )


def _in_one_sentence(work: Callable[[], Any]) -> None:
    try:
        work()
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    except StoreUnavailable as error:
        raise click.ClickException(f"The store of objects failed: {error.__cause__ or error}.") from error


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
