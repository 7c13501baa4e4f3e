"""People and their tokens: users, authentication tokens, signing in."""

from app.resources.accounts.authentication_tokens import routes as authentication_tokens_routes
from app.resources.accounts.sign_in import routes as sign_in_routes
from app.resources.accounts.users import routes as users_routes

BLUEPRINTS = (
    authentication_tokens_routes.blueprint,
    sign_in_routes.blueprint,
    users_routes.blueprint,
)
