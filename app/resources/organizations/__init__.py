"""Organizations and what belongs to them as a whole: memberships, teams, agent pools, tag keys, all users."""

from app.resources.organizations.admin_organizations import routes as admin_organizations_routes
from app.resources.organizations.admin_users import routes as admin_users_routes
from app.resources.organizations.agent_pools import routes as agent_pools_routes
from app.resources.organizations.agents import protocol_routes as agents_protocol_routes
from app.resources.organizations.agents import routes as agents_routes
from app.resources.organizations.organization_memberships import routes as organization_memberships_routes
from app.resources.organizations.organizations import routes as organizations_routes
from app.resources.organizations.reserved_tag_keys import routes as reserved_tag_keys_routes
from app.resources.organizations.ssh_keys import routes as ssh_keys_routes
from app.resources.organizations.subscriptions import routes as subscriptions_routes
from app.resources.organizations.teams import routes as teams_routes
from app.resources.organizations.token_ttl_policies import routes as token_ttl_policies_routes

BLUEPRINTS = (
    admin_organizations_routes.blueprint,
    admin_users_routes.blueprint,
    agent_pools_routes.blueprint,
    agents_protocol_routes.blueprint,
    agents_routes.blueprint,
    organization_memberships_routes.blueprint,
    organizations_routes.blueprint,
    reserved_tag_keys_routes.blueprint,
    ssh_keys_routes.blueprint,
    subscriptions_routes.blueprint,
    teams_routes.blueprint,
    token_ttl_policies_routes.blueprint,
)
