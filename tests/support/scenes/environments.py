"""Environments, read by callers who reach all of a project or a part of it."""

from typing import Any, ClassVar

from tests.support.scenes.scene import Scene


class Environments(Scene):
    """A project with an environment and a workspace in it, and everybody who sees that."""

    TABLES: ClassVar = ("environments", "projects", "workspaces")
    PATHS: ClassVar = [
        "/projects/PROJECT/environments",
        "/projects/PROJECT/environments?sort=-name&q=pro",
        "/projects/PROJECT/environments?filter[type]=production",
        "/environments/ENVIRONMENT",
    ]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        world, acme = self.world, self.organization
        project = world.project(acme)
        environment = world.environment(project, "prod", type="production")
        world.workspace(project, environment_id=environment.id, cell="eu")
        team = world.team(acme)
        world.access(team, project, "write")
        self.ids = {"PROJECT": project.id, "ENVIRONMENT": environment.id}
        self.tokens |= {"team": world.member(acme, team).token, "token": world.project_token(project, "viewer")}
        places: dict[str, dict[str, Any]] = {
            "everywhere": {},
            "in one": {"environment": environment},
            "in a cell": {"cells": ["eu"]},
        }
        for who, place in places.items():
            person = world.person()
            world.project_member(project, person, "viewer", **place)
            self.tokens[who] = person.token
