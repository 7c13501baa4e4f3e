"""What a run task is asked (spec: run tasks integration), and the signature of the request."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.authentication.tokens import run_task_token
from app.jsonapi.fields import format_timestamp
from app.models.run_tasks import ADVISORY
from app.models.task_stages import PRE_PLAN
from app.persistence import AnyRow
from app.services import services

SIGNATURE: Final = "X-TFC-Task-Signature"
TEST_TOKEN: Final = "test-token"  # noqa: S105 - by it, tasks know that nothing is to be answered


def question(row: AnyRow) -> bytes:
    """The body of the request about a result; ``row`` has the columns that the request needs."""
    own = services().settings
    base = own.own_url
    page = f"{base}/app/{row.organization_name}/workspaces/{row.workspace_name}"
    asked = {
        "access_token": run_task_token(row.id, own.secret_key),
        "configuration_version_download_url": (
            f"{base}/api/v2/configuration-versions/{row.configuration_version_id}/download"
        ),
        "configuration_version_id": row.configuration_version_id,
        "is_speculative": row.plan_only,
        "organization_name": row.organization_name,
        "run_app_url": f"{page}/runs/{row.run_id}",
        "run_created_at": format_timestamp(row.run_created_at),
        "run_created_by": row.username,
        "run_id": row.run_id,
        "run_message": row.run_message,
        "stage": row.stage,
        "task_result_callback_url": f"{base}/api/v2/task-results/{row.id}/callback",
        "task_result_enforcement_level": row.enforcement_level,
        "task_result_id": row.id,
        "workspace_app_url": page,
        "workspace_id": row.workspace_id,
        "workspace_name": row.workspace_name,
        "workspace_working_directory": row.working_directory,
    }
    if row.stage != PRE_PLAN:
        asked["plan_json_api_url"] = f"{base}/api/v2/plans/{row.plan_id}/json-output"
    return _body(asked)


def verification(organization_name: str) -> bytes:
    """The body of a request that only asks whether the task is there."""
    nothing = dict.fromkeys(
        (
            "configuration_version_download_url",
            "configuration_version_id",
            "plan_json_api_url",
            "run_app_url",
            "run_created_at",
            "run_created_by",
            "run_id",
            "run_message",
            "task_result_callback_url",
            "task_result_id",
            "workspace_app_url",
            "workspace_id",
            "workspace_name",
            "workspace_working_directory",
        )
    )
    asked = {
        "access_token": TEST_TOKEN,
        "is_speculative": True,
        "organization_name": organization_name,
        "stage": "test",
        "task_result_enforcement_level": ADVISORY,
    }
    return _body({**nothing, **asked})


def headers_of(body: bytes, sealed_key: str | None) -> dict[str, str]:
    """The headers of the request; with a key, the signature is among them."""
    headers = {"Content-Type": "application/json"}
    if sealed_key is not None:
        key = services().keyring.unseal(sealed_key)
        headers[SIGNATURE] = hmac.new(key, body, hashlib.sha512).hexdigest()
    return headers


def _body(asked: Mapping[str, Any]) -> bytes:
    # There is no version control here.
    elsewhere = dict.fromkeys(("vcs_branch", "vcs_commit_url", "vcs_pull_request_url", "vcs_repo_url"))
    return orjson.dumps({"payload_version": 1, "capabilities": {"outcomes": True}, **elsewhere, **asked})
