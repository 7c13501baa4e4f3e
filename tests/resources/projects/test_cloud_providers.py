"""The catalogue of cloud providers, and the one that a project names."""

from typing import Any

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.personas import PERSONAS
from tests.support.statement_costs import Statements
from tests.support.world import Person, World

POINTER = "/data/relationships/cloud-provider"


@pytest.mark.one_database
def test_the_catalogue_is_listed_by_name(api: Api, owner: Person) -> None:
    answer = api.get("/cloud-providers?page[size]=100", owner.token)
    shown = {each["id"]: each for each in answer["data"]}
    assert list(shown) == sorted(shown)
    assert shown["aws"] == {
        "id": "aws",
        "type": "cloud-providers",
        "attributes": {
            "name": "aws",
            "display-name": "Amazon Web Services",
            "terraform-provider": "hashicorp/aws",
        },
        "links": {"self": "/api/v2/cloud-providers/aws"},
    }
    assert {"azurerm", "google"} < set(shown)
    assert answer["meta"]["pagination"]["total-count"] == len(shown)
    for identifier, each in shown.items():
        assert api.get(f"/cloud-providers/{identifier}", owner.token) == {"data": each}


@pytest.mark.one_database
def test_the_catalogue_has_pages(api: Api, owner: Person) -> None:
    everything = api.get("/cloud-providers?page[size]=100", owner.token)["data"]
    second = api.get("/cloud-providers?page[number]=2&page[size]=5", owner.token)
    assert second["data"] == everything[5:10]
    assert second["meta"]["pagination"]["prev-page"] == 1
    assert second["links"]["next"].endswith("page%5Bnumber%5D=3&page%5Bsize%5D=5")
    assert api.get("/cloud-providers?page[number]=99", owner.token)["data"] == []
    answer = api.get("/cloud-providers?page[number]=x", owner.token, expect=400)
    assert faults(answer) == [("page[number] must be a positive integer", "page[number]")]


@pytest.mark.one_database
@pytest.mark.parametrize("persona", [*PERSONAS, "project token"])
def test_every_caller_reads_the_catalogue(api: Api, world: World, acme: Organization, persona: str) -> None:
    project = world.project(acme)
    made = PERSONAS.get(persona)
    token = made(world, acme, [project]) if made else world.project_token(project, "viewer")
    assert api.get("/cloud-providers", token)["data"]
    api.get("/cloud-providers/aws", token)


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/cloud-providers", "/cloud-providers/aws", "/cloud-providers/none"])
@pytest.mark.parametrize("token", [None, "bad"])
def test_without_a_token_there_is_no_catalogue(api: Api, path: str, token: str | None) -> None:
    api.get(path, token, expect=401)


@pytest.mark.one_database
@pytest.mark.parametrize("identifier", ["none", "AWS", "aws%20", "__class__"])
def test_an_unknown_provider_is_not_found(api: Api, owner: Person, identifier: str) -> None:
    api.get(f"/cloud-providers/{identifier}", owner.token, expect=404)


def test_the_catalogue_costs_the_caller_alone(
    api: Api, acme: Organization, world: World, statements: Statements
) -> None:
    token = world.token(acme)
    api.get("/cloud-providers", token)
    with statements() as seen:
        api.get("/cloud-providers", token)
    assert len(seen) == 1


def test_a_project_names_its_provider_and_names_none_again(api: Api, acme: Organization, owner: Person) -> None:
    sent = document("projects", {"name": "platform"}, cloud_provider=("cloud-providers", "aws"))
    created = api.post(f"/organizations/{acme.name}/projects", owner.token, sent)["data"]
    linked = {
        "data": {"id": "aws", "type": "cloud-providers"},
        "links": {"related": "/api/v2/cloud-providers/aws"},
    }
    assert created["relationships"]["cloud-provider"] == linked
    path = f"/projects/{created['id']}"
    kept = api.patch(path, owner.token, document("projects", {"description": "as before"}))
    assert kept["data"]["relationships"]["cloud-provider"] == linked
    cleared = api.patch(path, owner.token, document("projects", cloud_provider=None))
    assert cleared["data"]["relationships"]["cloud-provider"] == {"data": None}


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("linkage", "detail"),
    [
        ({"data": {"type": "cloud-providers", "id": "nowhere"}}, "Cloud provider does not exist"),
        ({"data": {"type": "cloud-providers", "id": ""}}, "Cloud provider does not exist"),
        ({"data": {"type": "cloud-providers", "id": "AWS"}}, "Cloud provider does not exist"),
        ({"data": {"type": "projects", "id": "aws"}}, "Cloud provider must be a resource identifier"),
        ({"data": {"type": "cloud-providers", "id": 1}}, "Cloud provider must be a resource identifier"),
        ({"data": []}, "Cloud provider must be a resource identifier"),
        ({}, "Cloud provider must be a resource identifier"),
        ("aws", "Cloud provider must be a resource identifier"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_provider_that_is_none_is_refused(
    api: Api, world: World, acme: Organization, owner: Person, *, method: str, linkage: Any, detail: str
) -> None:
    project = world.project(acme, cloud_provider_id="google")
    path = f"/projects/{project.id}" if method == "PATCH" else "/organizations/acme/projects"
    sent = document("projects", {"name": "platform"})
    sent["data"]["relationships"] = {"cloud-provider": linkage}
    assert faults(api.send(method, path, owner.token, sent, expect=422)) == [(detail, POINTER)]
    assert {each.cloud_provider_id for each in world.all(Project)} == {None, "google"}
