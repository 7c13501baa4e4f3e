"""Narrowed tokens of organizations: from where they are accepted, and which grants they have."""

from ipaddress import ip_address, ip_network

from app.authentication.granting import add_projects, add_some_project
from app.authz import roles
from app.authz.grants import Grants, Source
from app.authz.policy import Level
from app.persistence import AnyRow


def is_for_address(token: AnyRow, address: str | None) -> bool:
    """Whether the token is accepted from this address."""
    ranges = (token.narrowed_to or {}).get("ip_ranges")
    if ranges is None:
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    # A service that listens to both protocols sees the addresses of the older one in those of the newer one.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(each) for each in ranges)


def add_narrowed(grants: Grants, row: AnyRow, source: Source) -> None:
    """Add the grants of a token that is narrowed to some projects, permissions, or to reading."""
    to = row.narrowed_to
    in_projects = to["project_ids"]
    granted = roles.NARROWED_TOKEN if in_projects is None else roles.NARROWED_TOKEN_IN_PROJECT
    if row.allow_force_delete_workspaces:
        granted = roles.with_force(granted)
    granted = roles.narrowed(granted, read_only=to["read_only"], permissions=to["permissions"])
    if in_projects is None:
        # Even without any permission on the organization, it knows whose token it is.
        grants.add(Level.ORGANIZATION, row.organization_id, granted | roles.PROJECT_TOKEN, source)
        return
    grants.add(Level.ORGANIZATION, row.organization_id, roles.PROJECT_TOKEN, source)
    add_projects(grants, in_projects, granted, source)
    add_some_project(grants, row.organization_id, granted, source)
