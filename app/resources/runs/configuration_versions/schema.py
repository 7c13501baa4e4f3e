"""The attributes of a configuration version (spec: configuration versions)."""

from typing import Any

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, Boolean, Choice, Computed, ToOne
from app.jsonapi.schema import Schema
from app.models.configuration_versions import PENDING, STATUSES
from app.resources.runs.configuration_versions.addresses import upload_address


def _upload_url(row: Any, _held: object) -> str | None:  # noqa: ANN401 - a row
    return upload_address(row.id) if row.status == PENDING else None


class ConfigurationVersionSchema(Schema):
    """The files that runs are made from. They are uploaded as one archive to the address `upload-url`."""

    class Meta:
        """Its type and address."""

        type_ = "configuration-versions"
        self_link = "/api/v2/configuration-versions/{id}"

    id = Attribute()
    auto_queue_runs = Boolean(
        allow_none=True, description="Whether the upload creates a run. A speculative version creates one that plans."
    )
    speculative = Boolean(allow_none=True, description="Whether its runs only plan.")
    provisional = Boolean(
        allow_none=True,
        description="Whether the version is only for runs that name it, and never the workspace's latest one.",
    )
    status = Choice(
        STATUSES,
        dump_only=True,
        description="`pending` until the archive is there, then `uploaded`; `archived` once it is given up.",
    )
    source = Attribute(description="What created the version: `terraform+cloud` for the cloud block, else `tfe-api`.")
    status_timestamps = Attribute(description="When the version entered each status.")
    error = Attribute(description="A word for what went wrong; null if nothing did.")
    error_message = Attribute(description="What went wrong, for people.")
    upload_url = Computed(
        _upload_url,
        schema={"type": ["string", "null"]},
        shown_to=P.RUN_PLAN,
        reads=(),
        description="A signed address that takes the archive for 25 hours; null once it is there, and for callers who "
        "may not plan.",
    )

    # Only a connection to version control would fill it.
    ingress_attributes = ToOne("ingress-attributes")
    run = ToOne("runs", column="run_id", related="/api/v2/runs/{run_id}")
