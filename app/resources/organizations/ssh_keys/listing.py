"""Reading SSH keys."""

from app.models.ssh_keys import SshKey
from app.resources.organizations.ssh_keys.schema import SshKeySchema
from app.web.listing import Listing, plain

SSH_KEYS = Listing(
    schema=SshKeySchema,
    model=SshKey,
    columns=plain(SshKey, "id organization_id name"),
    joined=SshKey.__table__,
    order=(SshKey.name,),
)
