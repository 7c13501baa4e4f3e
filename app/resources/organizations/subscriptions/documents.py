"""The documents of the plan and of an organization's subscription to it. Nobody pays, so nothing is stored."""

from typing import Any, Final

from app.authentication.callers import OrganizationRef
from app.jsonapi.errors import InvalidAttribute, NotFound
from app.resources.organizations.organizations.schema import ENTITLEMENTS, LIMITS

PLAN: Final = "fs-groundplan"
ORGANIZATION_PREFIX: Final = "org-"
SUBSCRIPTION_PREFIX: Final = "sub-"
# How much an organization may have of something; null means as much as it likes.
CEILINGS: Final = (
    "agents-ceiling",
    "contract-apply-limit",
    "contract-user-limit",
    "run-task-limit",
    "runs-ceiling",
)

_TEXT = {"type": "string"}


def feature_set() -> dict[str, Any]:
    """The plan, with the same flags as the entitlement set of every organization."""
    named = {
        "identifier": "groundplan",
        "name": "Groundplan",
        "description": "Everything that the service has.",
        "cost": 0,
        "plan": None,
        "is-current": True,
        "is-free-tier": True,
    }
    return {"id": PLAN, "type": "feature-sets", "attributes": {**named, **ENTITLEMENTS, **dict.fromkeys(LIMITS)}}


def subscription(org: OrganizationRef) -> dict[str, Any]:
    """An organization's subscription to the plan. It has no end and no ceilings."""
    fixed = {"is-active": True, "is-public-free-tier": True, "is-self-serve-trial": False, "end-at": None}
    return {
        "id": f"{SUBSCRIPTION_PREFIX}{org.id.removeprefix(ORGANIZATION_PREFIX)}",
        "type": "subscriptions",
        "attributes": {**fixed, **dict.fromkeys(CEILINGS)},
        "relationships": {
            "organization": {"data": {"id": org.name, "type": "organizations"}},
            "billing-account": {"data": None},
            "feature-set": {"data": {"id": PLAN, "type": "feature-sets"}},
        },
        "links": {"self": f"/api/v2/organizations/{org.name}/subscription"},
    }


def organization_id_of(subscription_id: str) -> str:
    """The id of the organization whose subscription it is."""
    if not subscription_id.startswith(SUBSCRIPTION_PREFIX):
        raise NotFound
    return f"{ORGANIZATION_PREFIX}{subscription_id.removeprefix(SUBSCRIPTION_PREFIX)}"


def check_plan(item: dict[str, Any]) -> None:
    """Refuse a request for any plan but this one; without a plan, it asks for nothing."""
    relationships = item.get("relationships")
    named = relationships.get("feature-set") if isinstance(relationships, dict) else None
    data = named.get("data") if isinstance(named, dict) else None
    if not isinstance(data, dict) or data.get("id") != PLAN:
        raise InvalidAttribute(
            f"Feature set must be {PLAN}, the only plan there is",
            pointer="/data/relationships/feature-set/data/id",
        )


FEATURE_SET: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "type", "attributes"],
    "properties": {
        "id": {"const": PLAN},
        "type": {"const": "feature-sets"},
        "attributes": {
            "type": "object",
            "properties": {
                "identifier": _TEXT,
                "name": _TEXT,
                "description": _TEXT,
                "cost": {"type": "integer"},
                "plan": {"type": "null"},
                "is-current": {"type": "boolean"},
                "is-free-tier": {"type": "boolean"},
                **{name: {"type": "boolean"} for name in ENTITLEMENTS},
                **{name: {"type": "null"} for name in LIMITS},
            },
        },
    },
}
FEATURE_SETS_DOCUMENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["data", "links", "meta"],
    "properties": {
        "data": {"type": "array", "items": FEATURE_SET},
        "links": {"$ref": "#/components/schemas/page-links"},
        "meta": {
            "type": "object",
            "properties": {"pagination": {"$ref": "#/components/schemas/pagination"}},
        },
    },
}
_LINKAGE = {"type": "object", "properties": {"data": {"type": ["object", "null"], "additionalProperties": _TEXT}}}
SUBSCRIPTION_DOCUMENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["data", "included"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "type", "attributes", "relationships", "links"],
            "properties": {
                "id": _TEXT,
                "type": {"const": "subscriptions"},
                "attributes": {
                    "type": "object",
                    "properties": {
                        "is-active": {"type": "boolean"},
                        "is-public-free-tier": {"type": "boolean"},
                        "is-self-serve-trial": {"type": "boolean"},
                        "end-at": {"type": "null"},
                        **{name: {"type": "null"} for name in CEILINGS},
                    },
                },
                "relationships": {
                    "type": "object",
                    "properties": dict.fromkeys(("organization", "billing-account", "feature-set"), _LINKAGE),
                },
                "links": {"type": "object", "properties": {"self": _TEXT}},
            },
        },
        "included": {"type": "array", "items": FEATURE_SET},
    },
}
SENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["relationships"],
            "properties": {
                "type": {"enum": ["subscriptions", "subscription"]},
                "attributes": {"type": "object"},
                "relationships": {
                    "type": "object",
                    "required": ["feature-set"],
                    "properties": {
                        "feature-set": {
                            "type": "object",
                            "required": ["data"],
                            "properties": {
                                "data": {
                                    "type": "object",
                                    "required": ["id"],
                                    "properties": {"id": {"const": PLAN}, "type": {"const": "feature-sets"}},
                                }
                            },
                        }
                    },
                },
            },
        }
    },
}
