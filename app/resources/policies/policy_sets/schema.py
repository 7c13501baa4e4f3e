"""The attributes and relationships of a policy set (spec: policy sets)."""

from collections.abc import Callable
from typing import Any, Final

from marshmallow import ValidationError

from app.jsonapi import Json
from app.jsonapi.body import identifiers_at
from app.jsonapi.fields import Attribute, Boolean, Constant, DateTime, Setting, Text, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.policies import OPA
from app.resources.policies.policies.schema import (
    DESCRIPTION_LENGTH,
    KIND,
    NAME,
    NAME_LENGTH,
    read_kind,
)

AT_ONCE: Final = 1_000
VERSION: Final = r"latest|v?[0-9]+\.[0-9]+\.[0-9]+"


def reader(relationship: str, type_: str) -> Callable[[list[Any]], list[str]]:
    """Reads the ids that a relationship names."""
    return lambda items: identifiers_at(items, type_, f"/data/relationships/{relationship}/data", AT_ONCE)


def read_repository(value: Json) -> None:
    """None: the service is not connected to version control."""
    if value is not None:
        raise ValidationError("must be null: this service has no connection to version control; upload policies")


def read_path(value: Json) -> None:
    """None: there is no repository in which policies could lie."""
    if value is not None and value != "":
        raise ValidationError("must be empty: policies are uploaded one by one, and lie in no repository")


class PolicySetSchema(Schema):
    """Policies that count together, and where they count."""

    class Meta:
        """Its type and address."""

        type_ = "policy-sets"
        self_link = "/api/v2/policy-sets/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=NAME,
        pattern_message="must have letters, digits, - and _ alone",
        description="The name, unique in the organization.",
        example="network",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="What is open to the world"
    )
    kind = Setting(
        read_kind, schema=KIND, load_only=True, description="The language: `opa` for Rego. Sentinel is not here."
    )
    shown_kind = Constant(OPA, data_key="kind")
    is_global = Boolean(data_key="global", description="Whether the set counts in all workspaces of the organization.")
    overridable = Boolean(description="Whether a person may let a run go on that the set's policies stop.")
    policy_tool_version = Text(
        maximum=32,
        nullable=True,
        pattern=VERSION,
        pattern_message="must be a version of OPA, such as 1.9.0, or latest",
        description="The version of OPA whose language the policies are written in. Below 1.0.0, it is that before "
        "`if` and `contains`.",
        example="1.9.0",
    )
    agent_enabled = Boolean(
        load_only=True,
        has_effect=False,
        description="Policies are always evaluated by the agent that has made the plan.",
    )
    shown_agent_enabled = Constant(True, data_key="agent-enabled")  # noqa: FBT003
    vcs_repo = Setting(
        read_repository,
        schema={"type": ["object", "null"]},
        allow_none=True,
        load_only=True,
        has_effect=False,
        description="There is no connection to version control, so only null is taken.",
    )
    shown_vcs_repo = Constant(None, data_key="vcs-repo")
    policies_path = Setting(
        read_path,
        schema={"type": ["string", "null"], "maxLength": 0},
        allow_none=True,
        load_only=True,
        has_effect=False,
        description="Where policies lie in a repository. There is none, so only an empty path is taken.",
    )
    shown_policies_path = Constant(None, data_key="policies-path")
    versioned = Constant(False)  # noqa: FBT003
    policy_count = Attribute(description="How many policies are in it.")
    workspace_count = Attribute(description="How many workspaces that the caller can see it names.")
    project_count = Attribute(description="How many projects that the caller can see it names.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    organization = ToOne("organizations", column="organization_name")
    policies = ToMany("policies", column="policy_ids", read=reader("policies", "policies"))
    workspaces = ToMany("workspaces", column="workspace_ids", read=reader("workspaces", "workspaces"))
    projects = ToMany("projects", column="project_ids", read=reader("projects", "projects"))
    workspace_exclusions = ToMany(
        "workspaces",
        column="workspace_exclusion_ids",
        data_key="workspace-exclusions",
        read=reader("workspace-exclusions", "workspaces"),
    )
    project_exclusions = ToMany(
        "projects",
        column="project_exclusion_ids",
        data_key="project-exclusions",
        read=reader("project-exclusions", "projects"),
    )
    # Policies are uploaded one by one, so there are no versions of sets.
    current_version = ToOne("policy-set-versions")
    newest_version = ToOne("policy-set-versions")
