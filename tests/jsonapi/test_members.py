"""Members that a schema does not know, and members that are spelled in another way."""

from typing import Any

import pytest

from app.jsonapi.errors import ApiError, Invalid
from app.jsonapi.members import HCP_TYPES, NAME_LENGTH, NAMED_AT_MOST
from app.jsonapi.schema import Schema, load, member_groups
from app.resources.access.invitations.schema import IntoProjectSchema, ToWorkspaceSchema
from app.resources.access.project_members.schema import ProjectMemberSchema
from app.resources.organizations.teams.schema import TeamSchema
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from tests.contract import hcp_names
from tests.jsonapi.test_load import SCHEMAS

OWN = {name: schema for name, schema in SCHEMAS.items() if schema().opts.is_own}
NOT_OWN = {name: schema for name, schema in SCHEMAS.items() if name not in OWN}
# Only the API reference has it.
IN_REFERENCE = {"reserved-tag-keys"}


def loaded(schema: type[Schema], item: dict[str, Any], **around: Any) -> Any:
    """What was loaded, or the error objects."""
    types = schema().opts.accepted_types or ("any",)
    try:
        return load(schema, {"data": {"type": types[0], **item}, **around}, partial=True)
    except ApiError as error:
        return error.errors()


def unknown(schema: type[Schema], item: dict[str, Any], **around: Any) -> list[str]:
    """The pointers to what the schema refuses as unknown."""
    found = loaded(schema, item, **around)
    return [each["source"]["pointer"] for each in found if each["code"] == "unknown-member"] if found else []


def test_the_types_that_hcp_has_are_those_of_its_document() -> None:
    theirs = {type_ for each in hcp_names.read().values() for type_ in (each.answer.type, each.body.type)}
    assert theirs >= HCP_TYPES - IN_REFERENCE
    types = {schema().opts.type_ for schema in SCHEMAS.values()}
    assert types & theirs == HCP_TYPES - IN_REFERENCE, "a type of HCP Terraform's would refuse what it does not know"
    assert types >= HCP_TYPES


@pytest.mark.parametrize("schema", OWN.values(), ids=OWN.keys())
def test_groundplan_s_own_resources_refuse_what_they_do_not_know(schema: type[Schema]) -> None:
    sent = {"attributes": {"envName": 1, "a/b~c": 1}, "relationships": {"nobody": {"data": None}}, "role ": 1}
    assert unknown(schema, sent, attributes={}) == [
        "/attributes",
        "/data/role ",
        "/data/attributes/envName",
        "/data/attributes/a~1b~0c",
        "/data/relationships/nobody",
    ]
    around = {"meta": {}, "jsonapi": {"version": "1.1"}, "links": {}, "included": []}
    assert unknown(schema, {"id": "1", "meta": {}, "links": {}}, **around) == []


@pytest.mark.parametrize("schema", NOT_OWN.values(), ids=NOT_OWN.keys())
def test_resources_of_hcp_ignore_what_they_do_not_know(schema: type[Schema]) -> None:
    sent = {"attributes": {"newer-than-this": 1}, "relationships": {"nobody": {"data": None}}, "role": 1}
    assert loaded(schema, sent, attributes={}) == {}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_an_underscore_is_understood_as_a_hyphen(schema: type[Schema]) -> None:
    for group in member_groups(schema()):
        for name in group.settable:
            for spelling in {name.replace("-", "_"), name.replace("_", "-")} - {name}:
                for value in (None, True, "x", {"data": None}):
                    meant = loaded(schema, {group.name: {name: value}})
                    found = loaded(schema, {group.name: {spelling: value}})
                    renamed = str(meant).replace(f"/data/{group.name}/{name}", f"/data/{group.name}/{spelling}")
                    assert str(found) == renamed, "the same value, or the same fault with the client's own spelling"


def test_names_in_an_object_may_have_underscores_unless_they_are_the_client_s_own() -> None:
    sent = {"attributes": {"organization_access": {"manage_projects": True, "read-projects": False}}}
    assert loaded(TeamSchema, sent) == {"organization_access": {"manage-projects": True, "read-projects": False}}
    own_names = {"attributes": {"metadata": {"cost_center": 1}}}
    assert loaded(ProjectSchema, own_names) == {"custom_metadata": {"cost_center": 1}}


def test_a_member_that_is_sent_twice_is_refused() -> None:
    sent = {"attributes": {"terraform-version": "1.9.0", "terraform_version": "1.8.0"}}
    [error] = loaded(WorkspaceSchema, sent)
    assert (error["detail"], error["source"]["pointer"]) == (
        "Terraform version is sent twice",
        "/data/attributes/terraform_version",
    )
    environment = {"data": {"type": "environments", "id": "env-1"}}
    assert loaded(WorkspaceSchema, {"relationships": {"environment": environment}}) == {"environment_id": "env-1"}
    [error] = loaded(
        WorkspaceSchema, {"relationships": {"environment": environment, "project-environment": environment}}
    )
    assert error["source"]["pointer"] == "/data/relationships/project-environment"


def test_the_error_says_what_could_be_sent() -> None:
    sent = {"attributes": {"role": "viewer", "cellScopes": ["eu"], "username": "ada"}}
    [error] = loaded(ProjectMemberSchema, sent)
    assert error == {
        "status": "422",
        "title": "invalid attribute",
        "code": "unknown-member",
        "detail": "cellScopes is no attribute that can be set here; "
        "those that can be set: cell-scopes, expires-at, role",
        "source": {"pointer": "/data/attributes/cellScopes"},
    }


def test_what_counts_at_another_address_alone_is_refused() -> None:
    limits = {"attributes": {"cell-scopes": ["eu"]}, "relationships": {"environment": {"data": None}}}
    assert unknown(ToWorkspaceSchema, limits) == ["/data/attributes/cell-scopes", "/data/relationships/environment"]
    assert loaded(IntoProjectSchema, limits) == {"cells": ["eu"], "environment_id": None}
    shown = {"attributes": {"status": "pending", "project-name": "x"}, "relationships": {"project": {"data": None}}}
    assert loaded(ToWorkspaceSchema, shown) == {}, "nobody sets these; clients send back what they were shown"


def test_all_faults_come_in_one_answer_of_a_bounded_length() -> None:
    sent = {"data": {"type": "project-members", "attributes": {"role": "boss", "cellScopes": []}}}
    with pytest.raises(Invalid) as caught:
        load(ProjectMemberSchema, sent)
    assert [each["source"]["pointer"] for each in caught.value.errors()] == [
        "/data/attributes/cellScopes",
        "/data/attributes/role",
        "/data/relationships/user",
    ]
    many = {f"unknown-{number}": 1 for number in range(1_000)}
    assert len(unknown(ProjectMemberSchema, {"attributes": many, **many}, **many)) == 3 * NAMED_AT_MOST
    long = "n" * (NAME_LENGTH + 1)
    for error in loaded(ProjectMemberSchema, {"attributes": {long: 1}, long: 1}, **{long: 1}):
        assert long not in str(error)
