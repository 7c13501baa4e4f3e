"""Commands about moving: exporting a project, and importing one."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.backups.archive import BackupError
from app.backups.encryption import Keys, Lock, identities_in, passphrase_in
from app.services import services
from app.storage.store import StoreUnavailable
from app.transfer.client import Api, Refused, attributes_of
from app.transfer.exporting import export
from app.transfer.importing import CHANGE, CREATE, FAIL, Import, Step, figures
from app.transfer.opening import has_organization, make_organization, open_archive, target_in, token_in, user_named
from app.transfer.reading import Reading
from app.transfer.records import WORKSPACES, Source, TransferError
from app.transfer.remote import Remote
from app.transfer.side import Side
from app.transfer.state_import import StateImport

_FILE = click.Path(dir_okay=False, path_type=Path)
_applies_option = click.option("--apply", "applies", is_flag=True, help="Carry out the plan without a question.")


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
            progress=_progress(is_for_people=True),
        )
        workspaces, all_records = done.counts[WORKSPACES], sum(done.counts.values())
        click.echo(
            f"{file} has the project {done.project}; workspaces: {workspaces:,}, state versions: {done.states:,}, "
            f"records: {all_records:,}."
        )
        if lock.is_open:
            click.echo("It is not encrypted. States often hold secrets: keep it as you keep them.", err=True)
        for note in done.left_out:
            click.echo(f"! {note}", err=True)

    in_one_sentence(exporting)


@click.command("import")
@with_appcontext
@click.argument("file", type=_FILE)
@click.option("--organization", required=True, help="The organization here that gets what the archive has.")
@_applies_option
@click.option("--identity-file", type=_FILE, help="A file with a secret key of age, for an archive to a recipient.")
@click.option("--passphrase-file", type=_FILE, help="A file whose first line is the passphrase of the archive.")
def import_command(
    file: Path,
    organization: str,
    applies: bool,  # noqa: FBT001
    identity_file: Path | None,
    passphrase_file: Path | None,
) -> None:
    """Carry the archive FILE into an organization: a plan first, and with --apply, or a yes, what it says."""

    def importing() -> None:
        keys = Keys(
            identities=identities_in(identity_file) if identity_file else (),
            passphrase=passphrase_in(passphrase_file) if passphrase_file else None,
        )
        with open_archive(file, keys, services().settings.state_bytes) as archive:
            told = archive.head
            click.echo(
                f"{file} has the project {told['project']} of {told['organization']}, "
                f"exported at {told['created_at'][:19]} UTC."
            )
            if not has_organization(_app(), organization):
                raise TransferError(f"There is no organization {organization} here")
            carry(archive, target_in(_app(), services(), organization), applies=applies)

    in_one_sentence(importing)


@click.command("import-from")
@with_appcontext
@click.argument("url")
@click.option("--organization", required=True, help="The organization there.")
@click.option("--token-file", type=_FILE, required=True, help="A file whose first line is a token of that service.")
@click.option("--as", "here", help="The organization here; by default, that of the same name.")
@click.option("--owner", help="The user who will own the organization here, if there is none yet.")
@_applies_option
def import_from_command(  # noqa: PLR0913, PLR0917 - what a person may say
    url: str,
    organization: str,
    token_file: Path,
    here: str | None,
    owner: str | None,
    applies: bool,  # noqa: FBT001
) -> None:
    """Carry an organization of HCP Terraform, Terraform Enterprise, OTF or another Groundplan here: a plan first."""

    def importing() -> None:
        progress = _progress()
        there = Side(Api(Remote(url, token_in(token_file), tell=progress)), organization)
        try:
            document = there.api.find(there.path)
        except Refused as error:
            raise TransferError(f"{url} refuses the token: {error}") from error
        if document is None:
            raise TransferError(f"There is no organization {organization} at {url}, or the token does not see it.")
        name = here or organization
        target = target_in(_app(), services(), name)
        make = None
        if not has_organization(_app(), name):
            if owner is None:
                raise TransferError(f"There is no organization {name} here; name who is to own it with --owner")
            user_id, target.planned_owner = user_named(owner)
            make = partial(make_organization, user_id, name, attributes_of(document["data"]))
        carry(Reading(there, progress=progress), target, applies=applies, make=make)

    in_one_sentence(importing)


def carry(source: Source, target: Side, *, applies: bool, make: Callable[[], None] | None = None) -> None:
    """Show the plan, and carry it out if it is wanted. ``make`` makes the organization, if there is none yet."""
    if make is not None:
        click.echo(f"+ organization {target.organization}")
    states = StateImport(services().settings.state_bytes)
    planned = Import(source, target, click.echo, applies=False, states=states).run()
    click.echo(f"Plan: {', '.join(figures(planned))}.")
    if not planned.changes and make is None:
        click.echo("There is nothing to do.")
    elif applies or (is_terminal() and click.confirm("Carry it out?")):
        if make is not None:
            make()
            target.planned_owner = None
        done = Import(source, target, _tell_failure, applies=True, states=states).run()
        click.echo(f"Done: {done.counts[CREATE]:,} created, {done.counts[CHANGE]:,} changed.")
        planned = done
    else:
        click.echo("Nothing was changed. To carry it out, say --apply.")
    if planned.counts[FAIL]:
        raise TransferError(f"{planned.counts[FAIL]:,} things could not be carried; see above")


def is_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty()


def _tell_failure(step: Step) -> None:
    # The plan has told everything else.
    if step.action == FAIL:
        click.echo(step, err=True)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # noqa: SLF001 - as Flask's docs say


def _progress(*, is_for_people: bool = False) -> Callable[[str], None]:
    """Tells what is being read: on a terminal in one line, else line by line."""
    if not sys.stderr.isatty():
        return (lambda _text: None) if is_for_people else partial(click.echo, err=True)
    return lambda text: click.echo(f"\r\x1b[K{text[:100]}\r", err=True, nl=False)


def in_one_sentence(work: Callable[[], Any]) -> None:
    """Do it; what goes wrong is one sentence."""
    try:
        work()
    except (BackupError, TransferError, Refused) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    except StoreUnavailable as error:
        raise click.ClickException(f"The store of objects failed: {error.__cause__ or error}.") from error
