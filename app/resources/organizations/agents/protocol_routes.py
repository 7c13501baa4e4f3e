"""What an agent says of itself, in plain JSON: that it is there, what it does, and that it ends."""

import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.agents import BUSY, HEARTBEAT, IDLE
from app.models.workspaces import IAC_TOOLS
from app.resources.organizations.agents import service
from app.services import services
from app.web.answers import no_content
from app.web.guard import any_media_type, describes, requires
from app.web.requests import body

blueprint = Blueprint("agents_protocol", __name__, url_prefix="/api/agent/v1")

PROTOCOL: Final = 1
# So many heartbeats may be lost before the lease of a job ends.
HEARTBEATS: Final = 4
TEXT_LENGTH: Final = 200
MAXIMUM_SLOTS: Final = 256
SANDBOXES: Final = ("bwrap", "container", "none")
VERSIONS: Final = 200
VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?")
VERSION_LENGTH: Final = 64

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": TEXT_LENGTH}
_VERSIONS: Final = {"type": "array", "maxItems": VERSIONS, "items": {"type": "string", "maxLength": VERSION_LENGTH}}
REGISTRATION: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["protocol", "name", "version", "os", "arch", "slots", "tools", "sandbox"],
    "properties": {
        "protocol": {"const": PROTOCOL},
        **dict.fromkeys(("name", "version", "os", "arch"), _TEXT),
        "slots": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_SLOTS},
        "single": {"type": "boolean"},
        "tools": {"type": "object", "properties": dict.fromkeys(IAC_TOOLS, _VERSIONS)},
        "sandbox": {"enum": list(SANDBOXES)},
    },
}
REGISTERED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "heartbeat-seconds", "lease-seconds"],
    "properties": {
        "id": {"type": "string"},
        "heartbeat-seconds": {"type": "number"},
        "lease-seconds": {"type": "integer"},
    },
}
STATUS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": [IDLE, BUSY]}},
}


class ProtocolUnknown(Unprocessable):
    """The agent is older or newer than the service, and speaks otherwise."""

    code = "protocol-unknown"
    pointer = "/protocol"
    detail = f"This service speaks protocol {PROTOCOL} with its agents; install the agent of the same version"


@blueprint.post("/agents")
@requires(P.AGENT_POOL_SERVE)
@any_media_type
@describes(body=REGISTRATION, answer=REGISTERED, status=201, errors=(422,), is_plain=True)
def register() -> Response:
    """Register an agent in the pool of its token. The answer says how often the agent must say that it is alive."""
    service.own_pool()
    told = _read_registration(_object())
    agent_id = service.create_agent({**told, "ip": request.remote_addr})
    lease = services().settings.lease_seconds
    heartbeat = min(HEARTBEAT.total_seconds(), lease / HEARTBEATS)
    answer = jsonify({"id": agent_id, "heartbeat-seconds": heartbeat, "lease-seconds": lease})
    answer.status_code = 201
    return answer


@blueprint.put("/agents/<agent_id>")
@requires(P.AGENT_POOL_SERVE)
@any_media_type
@describes(body=STATUS, answer={"type": "object"}, errors=(422,), is_plain=True)
def report(agent_id: str) -> Response:
    """Say what the agent does. 404 means that the service does not know the agent, which must register again."""
    service.own_pool()
    status = _object().get("status")
    if status not in (IDLE, BUSY):
        raise InvalidAttribute(f"status must be {IDLE} or {BUSY}", pointer="/status")
    service.update_agent(agent_id, status)
    return jsonify({})


@blueprint.delete("/agents/<agent_id>")
@requires(P.AGENT_POOL_SERVE)
@describes(status=204)
def leave(agent_id: str) -> Response:
    """Say that the agent ends."""
    service.own_pool()
    service.exit_agent(agent_id)
    return no_content()


def _object() -> Mapping[str, Any]:
    sent = body()
    if not isinstance(sent, dict):
        raise Unprocessable("The body must be a JSON object", pointer="")
    return sent


def _read_registration(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the agent tells of itself, checked. Members that this service does not know are ignored."""
    if sent.get("protocol") != PROTOCOL or isinstance(sent.get("protocol"), bool):
        raise ProtocolUnknown
    single = sent.get("single", False)
    if not isinstance(single, bool):
        raise InvalidAttribute("single must be true or false", pointer="/single")
    slots = sent.get("slots")
    if not isinstance(slots, int) or isinstance(slots, bool) or not 1 <= slots <= MAXIMUM_SLOTS:
        raise InvalidAttribute(f"slots must be a whole number from 1 to {MAXIMUM_SLOTS}", pointer="/slots")
    if sent.get("sandbox") not in SANDBOXES:
        raise InvalidAttribute(f"sandbox must be one of {', '.join(SANDBOXES)}", pointer="/sandbox")
    return {
        **{name: _text(sent, name) for name in ("name", "version", "os", "arch")},
        "slots": slots,
        "is_single": single,
        "sandbox": sent["sandbox"],
        "tools": _tools(sent.get("tools")),
    }


def _text(sent: Mapping[str, Any], name: str) -> str:
    text = sent.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_LENGTH:
        raise InvalidAttribute(f"{name} must be a text of 1 to {TEXT_LENGTH} characters", pointer=f"/{name}")
    return text


def _tools(sent: object) -> dict[str, list[str]]:
    if not isinstance(sent, dict):
        raise InvalidAttribute("tools must be an object with the versions of each tool", pointer="/tools")
    return {tool: _versions(tool, sent.get(tool, [])) for tool in IAC_TOOLS}


def _versions(tool: str, sent: object) -> list[str]:
    if not isinstance(sent, list) or len(sent) > VERSIONS:
        raise InvalidAttribute(f"{tool} must be a list of up to {VERSIONS} versions", pointer=f"/tools/{tool}")
    for index, version in enumerate(sent):
        if not isinstance(version, str) or len(version) > VERSION_LENGTH or not VERSION.fullmatch(version):
            raise InvalidAttribute(f"{tool} must list versions such as 1.11.4", pointer=f"/tools/{tool}/{index}")
    return sent
