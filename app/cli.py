"""Commands for operators: the first start, users, storage, and the documents made from the code."""

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
from flask import Flask, current_app

from app import downgrade
from app.authentication.tokens import built_in_pool_token
from app.authz.document import permissions_page
from app.auto_destroy_commands import auto_destroy_commands
from app.backup_commands import backup_commands
from app.bootstrap import Bootstrapped, add_user, bootstrap, confirm_user_email, set_password
from app.embedded_agents import why_none
from app.jsonapi.document import errors_page
from app.models.users import SITE_ROLES
from app.openapi import openapi_document
from app.openapi.attributes_page import attributes_page
from app.openapi.run_states_page import run_states_page
from app.services import services
from app.start_faults import check_keys
from app.storage.keyring import DecryptionError
from app.storage.rotation import reseal
from app.storage.sweeping import GRACE, sweep, sweepable
from app.task_commands import background_tasks_command, retry_command
from app.transfer_commands import export_command, import_command, import_from_command
from app.user_commands import (
    change_administration,
    delete_user,
    list_users,
    revoke_tokens,
    suspend_user,
    unsuspend_user,
)
from app.variables import InvalidSettingError


def install(app: Flask) -> None:
    """Register the commands."""
    downgrade.install()
    app.cli.add_command(bootstrap_command)
    app.cli.add_command(create_user_command)
    app.cli.add_command(confirm_email_command)
    app.cli.add_command(set_password_command)
    for command in USER_COMMANDS:
        app.cli.add_command(command)
    app.cli.add_command(agent_token_command)
    app.cli.add_command(openapi_command)
    app.cli.add_command(permissions_command)
    app.cli.add_command(run_states_command)
    app.cli.add_command(errors_command)
    app.cli.add_command(attributes_command)
    app.cli.add_command(rotate_command)
    app.cli.add_command(sweep_command)
    app.cli.add_command(auto_destroy_commands)
    app.cli.add_command(backup_commands)
    app.cli.add_command(export_command)
    app.cli.add_command(import_command)
    app.cli.add_command(import_from_command)
    app.cli.add_command(background_tasks_command)
    app.cli.add_command(retry_command)


def _listening() -> str:
    return f"http://{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8080'}"


@click.command("bootstrap")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--url", default=_listening, help="Where the service will listen; from HOST and PORT.")
def bootstrap_command(as_json: bool, url: str) -> None:  # noqa: FBT001 - click passes flags so
    """Create what a new service lacks: administrator, organization, a token for each. Safe to run again."""
    try:
        settings = services().settings
        with services().engines.reading.connect() as connection:
            check_keys(connection, services().keyring)
        has_agents = settings.agents > 0 and why_none(settings, os.environ) is None
        made = bootstrap(settings, has_agents=has_agents)
    except InvalidSettingError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps({"url": url, **made.as_json()}) if as_json else _for_people(made, url))


@click.command("agent-token")
def agent_token_command() -> None:
    """Print the token for agents of the built-in pool that run on other machines. It changes with the secret key."""
    click.echo(built_in_pool_token(services().settings.secret_key))


@click.command("create-user")
@click.argument("username")
@click.argument("email")
@click.option("--organization", help="Make the user an active member of this organization.")
@click.option("--owner", is_flag=True, help="And one of its owners.")
@click.option(
    "--site-role", type=click.Choice(SITE_ROLES), default="user", help="What the user is on the whole service."
)
def create_user_command(
    username: str,
    email: str,
    organization: str | None,
    owner: bool,  # noqa: FBT001 - click passes flags so
    site_role: str,
) -> None:
    """Add a user and print a token for it, once."""
    try:
        token = add_user(
            services().settings,
            username=username,
            email=email,
            organization=organization,
            is_owner=owner,
            site_role=site_role,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(token)


@click.command("confirm-email")
@click.argument("username")
def confirm_email_command(username: str) -> None:
    """Confirm the new e-mail address that a user has asked for; the service sends no mail to do so."""
    try:
        email = confirm_user_email(username)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(email)


@click.command("set-password")
@click.argument("username")
def set_password_command(username: str) -> None:
    """Set the password of a user, asked for or read from standard input; it ends the user's sessions."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        set_password(username, password)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{username} has a new password.")


@click.command("list-users")
@click.argument("text", default="")
def list_users_command(text: str) -> None:
    """List users with e-mail address, site role and state: all, or those whose name or address contains the text."""
    for row in list_users(text):
        click.echo("\t".join(row))


def _user_command(name: str, help_: str, change: Callable[[str], object], done: str) -> click.Command:
    """A command with one argument, the username, e-mail address or id of a user."""

    def run(user: str) -> None:
        try:
            result = change(user)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        click.echo(done.format(user=user, result=result))

    return click.Command(name, callback=run, params=[click.Argument(["user"])], help=help_)


USER_COMMANDS = (
    list_users_command,
    _user_command(
        "suspend-user", "Keep a user out: sessions and tokens end at once.", suspend_user, "{user} is suspended."
    ),
    _user_command("unsuspend-user", "Let a suspended user in again.", unsuspend_user, "{user} is no longer suspended."),
    _user_command(
        "delete-user", "Delete a user with all access; what the user made stays.", delete_user, "{user} is deleted."
    ),
    _user_command(
        "grant-admin",
        "Make a user an administrator of the site.",
        partial(change_administration, site_role="admin"),
        "{user} is an administrator.",
    ),
    _user_command(
        "revoke-admin",
        "Make an administrator an ordinary user.",
        partial(change_administration, site_role="user"),
        "{user} is no administrator.",
    ),
    _user_command(
        "revoke-tokens", "Revoke all tokens of a user and end all sessions.", revoke_tokens, "Revoked {result} tokens."
    ),
)


@click.command("openapi")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/openapi.json"))
def openapi_command(path: Path) -> None:
    """Write the OpenAPI document of the service."""
    path.write_text(json.dumps(openapi_document(current_app), indent=1, sort_keys=True) + "\n", encoding="utf-8")


@click.command("permissions-table")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/permissions.md"))
def permissions_command(path: Path) -> None:
    """Write the page with the whole policy as tables."""
    path.write_text(permissions_page(), encoding="utf-8")


@click.command("run-states-table")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/run-states.md"))
def run_states_command(path: Path) -> None:
    """Write the page with the states of runs and how one follows the other."""
    path.write_text(run_states_page(), encoding="utf-8")


@click.command("errors-table")
@click.argument("path", type=click.Path(path_type=Path), default=Path("docs/errors.md"))
def errors_command(path: Path) -> None:
    """Write the page with every error that the API answers with."""
    path.write_text(errors_page(), encoding="utf-8")


@click.command("attributes-table")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/attributes.md"),
    show_default=True,
    help="Where to write.",
)
def attributes_command(output: Path) -> None:
    """Write all attributes of all resources as a page of tables."""
    output.write_text(attributes_page(current_app), encoding="utf-8")


@click.command("rotate-encryption-keys")
def rotate_command() -> None:
    """Encrypt all data keys and secrets with the first encryption key; afterwards the other keys can be removed."""
    try:
        count = reseal(services().engines.writing, services().keyring)
    except DecryptionError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Sealed {count} with the first key.")


@click.command("sweep-storage")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option(
    "--grace-hours",
    type=click.FloatRange(min=0),
    default=GRACE / timedelta(hours=1),
    show_default=True,
    help="Spare uploads that began so recently.",
)
def sweep_command(dry_run: bool, grace_hours: float) -> None:  # noqa: FBT001
    """Remove stored objects that nothing names, left by killed uploads and deletions. Workers do it daily."""
    engines = services().engines
    grace = timedelta(hours=grace_hours)
    if dry_run:
        click.echo(f"{sweepable(engines, grace)} objects would be removed.")
    else:
        click.echo(f"Removed {sweep(engines, services().vault, grace)} objects.")


def _for_people(made: Bootstrapped, url: str) -> str:
    lines = [f"Groundplan is ready: organization {made.organization}, administrator {made.username}."]
    if made.password:
        lines += ["", f"Password of {made.username} (shown once):", f"  {made.password}"]
    if made.user_token:
        lines += [
            "",
            f"Token of {made.username} (shown once):",
            f"  {made.user_token}",
            f'  curl -H "Authorization: Bearer {made.user_token}" {url}/api/v2/account/details',
        ]
    if made.organization_token:
        listing = f"{url}/api/v2/organizations/{made.organization}/projects"
        lines += [
            "",
            f"Token of the organization {made.organization} (shown once):",
            f"  {made.organization_token}",
            f'  curl -H "Authorization: Bearer {made.organization_token}" {listing}',
        ]
    return "\n".join(lines)
