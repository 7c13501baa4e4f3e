"""SSH keys over HTTP."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.resources.organizations.ssh_keys import service
from app.resources.organizations.ssh_keys.listing import SSH_KEYS
from app.resources.organizations.ssh_keys.schema import SshKeySchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("ssh_keys", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/ssh-keys")
@requires(P.SSH_KEY_READ)
@describes(listing=SSH_KEYS, errors=(400,))
def list_ssh_keys(organization: str) -> Response:
    """List the SSH keys of an organization, without the keys themselves."""
    org = organization_or_404(organization, P.SSH_KEY_READ)
    return SSH_KEYS.page_response({"organization_id": org.id})


@blueprint.post("/organizations/<organization>/ssh-keys")
@requires(P.SSH_KEY_READ, P.SSH_KEY_MANAGE)
@describes(body=SshKeySchema, answer=SshKeySchema, status=201, errors=(422,))
def create_ssh_key(organization: str) -> Response:
    """Store an SSH key."""
    org = organization_or_404(organization, P.SSH_KEY_MANAGE)
    members = load(SshKeySchema, body())
    return resource_response(service.create_ssh_key(members, org), 201)


@blueprint.get("/ssh-keys/<ssh_key_id>")
@requires(P.SSH_KEY_READ)
@describes(answer=SshKeySchema)
def show_ssh_key(ssh_key_id: str) -> Response:
    """Show an SSH key, without the key itself."""
    return resource_response(SSH_KEYS.get_resource({"id": ssh_key_id}))


@blueprint.patch("/ssh-keys/<ssh_key_id>")
@requires(P.SSH_KEY_READ, P.SSH_KEY_MANAGE)
@describes(body=SshKeySchema, is_partial=True, answer=SshKeySchema, errors=(422,))
def update_ssh_key(ssh_key_id: str) -> Response:
    """Rename an SSH key. A value that is sent is ignored, as HCP Terraform does."""
    members = load(SshKeySchema, body(), partial=True, identifier=ssh_key_id)
    return resource_response(service.update_ssh_key(ssh_key_id, members))


@blueprint.delete("/ssh-keys/<ssh_key_id>")
@requires(P.SSH_KEY_READ, P.SSH_KEY_MANAGE)
@describes(status=204)
def destroy_ssh_key(ssh_key_id: str) -> Response:
    """Delete an SSH key; workspaces that have it are left without one."""
    service.destroy_ssh_key(ssh_key_id)
    return no_content()
