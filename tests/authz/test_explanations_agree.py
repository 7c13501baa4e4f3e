"""Explanations say what the policy says: for everybody, on everything."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.authentication.callers import load_caller
from app.authz.permissions import P
from app.authz.rules import holds, permissions_on
from app.models import Environment, Organization, Project, Workspace
from app.resources.access.permissions.targets import TARGETS
from tests.support.api import Api, document
from tests.support.personas import PERSONAS
from tests.support.world import World

KEY = "secret-key-of-the-test-suite-0123456789"


@dataclass(frozen=True)
class Scene:
    """A project with an environment beside the default one, and a workspace in a cell of it."""

    project: Project
    environment: Environment
    workspace: Workspace


def explained(api: Api, token: str, resource: tuple[str, str], permission: str | None, subject: Any) -> dict[str, Any]:
    attributes = {} if permission is None else {"permission": permission}
    subjects = {} if subject is None else {"subject": subject}
    sent = document("permission-explanations", attributes, resource=resource, **subjects)
    found: dict[str, Any] = api.post("/permissions/explain", token, sent, expect=200)["data"]["attributes"]
    return found


def personas(world: World, acme: Organization, place: Scene) -> list[str]:
    """Tokens of everybody who could hold anything."""
    project, environment, workspace = place.project, place.environment, place.workspace
    tokens = [make(world, acme, [project]) for make in PERSONAS.values()]
    scopes: list[dict[str, Any]] = [
        {},
        {"environment": environment},
        {"environment": world.default_environment(project)},
        {"cells": ["eu"]},
        {"cells": ["us"]},
        {"environment": environment, "cells": ["eu", "us"]},
        {"cells": []},
    ]
    for scope in scopes:
        for role in ("viewer", "member", "admin", *(() if scope else ("owner",))):
            tokens.append(world.project_token(project, role))
            person = world.person()
            world.project_member(project, person, role, **scope)
            tokens.append(person.token)
    for level in ("user", "developer", "admin", "owner"):
        person = world.member(acme, world.team(acme, "read-projects"))
        world.acl_entry(workspace, person, level)
        tokens.append(person.token)
    team = world.team(acme, "manage-teams", "manage-membership", allow_member_token_management=True)
    world.workspace_access(team, workspace, "plan")
    return [*tokens, world.team_token(team), world.person(site_role="super_user").token]


@pytest.mark.one_database
def test_what_is_explained_is_what_is_held(api: Api, world: World, engine: Engine) -> None:
    owner = world.person()
    acme = world.organization("acme", owner=owner)
    project = world.project(acme, public_read=True)
    environment = world.environment(project)
    place = Scene(project, environment, world.workspace(project, environment_id=environment.id, cell="eu"))
    tokens = personas(world, acme, place)
    resources = {
        "organizations": acme.id,
        "projects": place.project.id,
        "environments": place.environment.id,
        "workspaces": place.workspace.id,
        "teams": world.team(acme, visibility="organization").id,
    }
    permission = st.sampled_from([(type_, each) for type_, target in TARGETS.items() for each in target.askable])

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(token=st.sampled_from(tokens), about=permission)
    def agree(token: str, about: tuple[str, P]) -> None:
        type_, permission = about
        with Session(engine) as session:
            caller = load_caller(session.connection(), token, KEY, users_create_organizations=False)
            row: Any = session.get_one(TARGETS[type_].model, resources[type_])
            assert caller is not None
            held_there, is_held = permissions_on(caller, row.grant_columns, row), holds(caller, permission, row)
            may_read = holds(caller, TARGETS[type_].read_by, row)
        shown_id = "acme" if type_ == "organizations" else resources[type_]
        seen_by_owner = caller.organizations.get("acme") is not None
        subject = (caller.type, caller.id)
        if caller.type in ("organizations", "projects"):
            subject = ("authentication-tokens", str(caller.token_id))
        asking: list[tuple[str, Any]] = [(token, None)] if may_read else []
        asking += [(owner.token, subject)] if seen_by_owner else []
        for who, subject_or_none in asking:
            one = explained(api, who, (type_, shown_id), permission, subject_or_none)
            (only,) = one["permissions"]
            assert one["allowed"] == only["allowed"] == is_held == bool(only["grants"])
            assert (only["refusal"] is None) == is_held
            every = explained(api, who, (type_, shown_id), None, subject_or_none)["permissions"]
            granted = {each["permission"] for each in every if each["grants"]}
            assert granted == held_there & set(TARGETS[type_].permissions)
            assert all(each["allowed"] == bool(each["grants"]) for each in every)

    agree()
