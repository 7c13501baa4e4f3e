"""The attributes and relationships of a link to a repository."""

import re
from collections.abc import Iterable

from app.jsonapi.fields import Attribute, Choice, DateTime, Text, ToOne
from app.jsonapi.schema import Schema

PROVIDERS = ("github", "gitlab", "bitbucket", "azure-devops", "other")
URL_LENGTH = 1_024
BRANCH_LENGTH = 255
DIRECTORY_LENGTH = 1_024

# A user name can't begin with a hyphen either: commands would take it for an option.
_USER = "[A-Za-z0-9_][A-Za-z0-9._-]*@"
_HOST = "[A-Za-z0-9][A-Za-z0-9.-]*"
_PORT = "(?::[0-9]{1,5})?"
_PATH = "[A-Za-z0-9._~%!$&'()*+,;=:@/-]+"
# No query and no fragment: neither is needed to locate a repository, and both may contain a token.
URL_PATTERN = f"(?:https|git)://{_HOST}{_PORT}/{_PATH}|ssh://(?:{_USER})?{_HOST}{_PORT}/{_PATH}|{_USER}{_HOST}:{_PATH}"
# A user name without a password is allowed only for SSH, which uses keys; elsewhere clients put tokens there.
_CREDENTIALS = re.compile(r"[^/]*://[^/?#]*:[^/?#]*@|(?!ssh:)[^/]*://[^/?#]*@|[^/@]*:[^/@]*@")


class RepositoryUrl(Text):
    """The address of a repository, without credentials."""

    def _faults(self, value: str) -> Iterable[str]:
        if _CREDENTIALS.match(value):
            yield "must not contain credentials"
            return
        yield from super()._faults(value)


class Directory(Text):
    """A path below the root of a repository."""

    def _faults(self, value: str) -> Iterable[str]:
        yield from super()._faults(value)
        if value.startswith("/") or ".." in value.split("/") or not value.isprintable():
            yield "must be a path within the repository"


class RepositoryLinkSchema(Schema):
    """A repository with code of a project. Unless a provider is sent, it is guessed from the host, or is ``other``."""

    class Meta:
        """Its type and address."""

        type_ = "repository-links"
        self_link = "/api/v2/repository-links/{id}"

    id = Attribute()
    url = RepositoryUrl(
        required=True,
        minimum=1,
        maximum=URL_LENGTH,
        pattern=URL_PATTERN,
        pattern_message="must be an https, ssh or git address of a repository",
        description="The address of the repository.",
        example="https://github.com/acme/network",
    )
    provider = Choice(
        PROVIDERS,
        allow_none=True,
        description="The host of the repository; derived from the address if not sent.",
        example="github",
    )
    default_branch = Text(
        minimum=1,
        maximum=BRANCH_LENGTH,
        nullable=True,
        pattern="[A-Za-z0-9_][A-Za-z0-9._/+@-]*",
        pattern_message="is not the name of a branch",
        description="The branch to look at.",
        has_effect=False,
        example="main",
    )
    directory = Directory(
        maximum=DIRECTORY_LENGTH,
        nullable=True,
        description="The folder of the project's code in the repository.",
        has_effect=False,
        example="infra",
    )
    created_at = DateTime(dump_only=True)

    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
