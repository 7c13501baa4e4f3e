"""Superfluous slashes in an address mean nothing."""

import pytest
from flask import Flask
from webtest import TestApp

from app.models import Organization, Project
from tests.support.api import Api, document
from tests.support.world import Person

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/organizations/acme/projects/",
        "/api/v2//organizations/acme/projects",
        "//api/v2/organizations/acme/projects",
        "//api///v2/organizations//acme/projects///",
    ],
)
def test_the_answer_is_that_of_the_plain_address(
    app: Flask, api: Api, acme: Organization, owner: Person, path: str
) -> None:
    assert acme.name == "acme"
    answer = TestApp(app).get(path, headers={"Authorization": f"Bearer {owner.token}"})
    # Links lead to the plain address.
    assert answer.json == api.get("/organizations/acme/projects", owner.token)


def test_a_change_arrives_as_well(api: Api, acme: Organization, project: Project, owner: Person) -> None:
    made = api.post("/organizations/acme//projects/", owner.token, document("projects", {"name": "slashes"}))
    assert made["data"]["attributes"]["name"] == "slashes"
    api.patch(f"/projects/{project.id}/", owner.token, document("projects", {"name": "renamed"}))
    api.delete(f"//projects/{project.id}/", owner.token)
    assert acme.id
