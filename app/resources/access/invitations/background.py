"""Mailing the link of an invitation."""

from functools import partial
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.jsonapi.fields import format_timestamp
from app.mail.server import one_line
from app.models.background_tasks import DueTask
from app.models.invitations import PENDING, Invitation
from app.persistence import AnyRow, now
from app.resources.access.invitations.links import PAGE, make_token
from app.resources.access.invitations.listing import COLUMNS, INVITATIONS
from app.services import services
from app.web.addresses import base_url
from app.web.mailing import require_mail_server, send_mail

_INVITATION: Select[*tuple[Any, ...]] = select(
    *(column.label(name) for name, column in COLUMNS.items()), Invitation.nonce
).select_from(INVITATIONS.joined)


def send_invitation(task: DueTask) -> partial[None] | None:
    """Send the present link of the invitation, unless nobody can accept it any more."""
    with services().engines.reading.connect() as connection:
        row = connection.execute(_INVITATION.where(Invitation.id == task.payload["id"])).one_or_none()
    if row is None or row.status != PENDING or row.expires_at <= now():
        return None
    require_mail_server()
    subject, text = _written(row)
    send_mail(task, to=row.email, subject=subject, text=text)
    return partial(_note_sent, row.id, row.nonce)


def _note_sent(invitation_id: str, nonce: str, session: Session) -> None:
    # If the invitation was renewed meanwhile, this link is outdated, and a new one is sent.
    sent = update(Invitation).where(Invitation.id == invitation_id, Invitation.nonce == nonce).values(sent_at=now())
    session.execute(sent, execution_options={"synchronize_session": False})


def _written(row: AnyRow) -> tuple[str, str]:
    token = make_token(row)
    inviter = _line(row.invited_by_name) if row.invited_by_name else "Somebody"
    is_project = row.project_name is not None
    target = f"project {_line(row.project_name)}" if is_project else f"workspace {_line(row.workspace_name)}"
    access = f"role {row.project_role}" if is_project else f"level {row.workspace_level}"
    organization = _line(row.organization_name)
    return (
        f"Invitation to the {target} of {organization}",
        f"""{inviter} invites you to the {target} of the organization {organization},
with the {access}. The invitation is good until {format_timestamp(row.expires_at)}.

See it and accept it here, signed in to the account with this e-mail address:

  {base_url()}{PAGE}{token}

{_how_to_get_an_account()} If you did not expect this, do nothing.

Without a browser, with a token of the account:

  curl -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/vnd.api+json" \\
    {base_url()}/api/v2{PAGE}{token}/actions/accept
""",
    )


def _line(text: Any) -> str:  # noqa: ANN401 - a column of the row
    return one_line(str(text))


def _how_to_get_an_account() -> str:
    if services().settings.sign_up == "invited":
        return "If you have no account yet, you make one on that page."
    return "If you have no account yet, ask whoever runs the service for one."
