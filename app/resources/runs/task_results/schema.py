"""The attributes and relationships of results of run tasks, and what a task answers (spec: run tasks integration)."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError

from app.jsonapi.fields import Attribute, Choice, Computed, Constant, DateTime, Text, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.run_tasks import FAILED, PASSED, RUNNING
from app.outbound import AddressInvalid, parse

MESSAGE_LENGTH: Final = 4_096
URL_LENGTH: Final = 2_048
OUTCOMES: Final = 100
NAME_LENGTH: Final = 255
DESCRIPTION_LENGTH: Final = 1_000
# As long as one request may be.
BODY_LENGTH: Final = 1_000_000
TAGS: Final = 20
LEVELS: Final = ("none", "info", "warning", "error")

_TAG_SCHEMA: Final = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "properties": {
            "label": {"type": "string"},
            "value": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"label": {"type": "string"}, "level": {"type": "string"}},
                },
            },
        },
    },
}


class Link(Text):
    """An address for people."""

    def _faults(self, value: str) -> Any:  # noqa: ANN401 - as the base has it
        yield from super()._faults(value)
        try:
            parse(value)
        except AddressInvalid as error:
            yield str(error)


class TaskResultSchema(Schema):
    """What a run task says about a stage of a run."""

    class Meta:
        """Its type and address."""

        type_ = "task-results"
        self_link = "/api/v2/task-results/{id}"

    id = Attribute()
    message = Attribute(description="What the task said, or why there is no answer.")
    status = Attribute(
        description="`pending` until the task is reached, `running`, then `passed` or `failed`; `errored` if it did "
        "not answer in time, `unreachable` if it could not be asked, `canceled` with its run."
    )
    status_timestamps = Attribute(description="When it got each of its statuses: `running-at`, `passed-at`, …")
    url = Attribute(description="Where the task tells more.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    task_id = Attribute(description="The run task, which may be deleted by now.")
    task_name = Attribute(description="The name that the run task had.")
    task_url = Attribute(description="The address that was asked.")
    task_result_outcomes_count = Attribute(description="How many outcomes there are.")
    stage = Attribute(description="The stage of the run: `pre_plan`, `post_plan`, `pre_apply` or `post_apply`.")
    is_speculative = Attribute(description="Whether the run only plans.")
    workspace_task_id = Attribute(description="What has chosen the task for the workspace; null if that is global.")
    workspace_task_enforcement_level = Attribute(
        attribute="enforcement_level", description="`mandatory` if a no stops the run, else `advisory`."
    )
    agent_pool_id = Constant(None)

    task_stage = ToOne("task-stages", column="task_stage_id", related="/api/v2/task-stages/{task_stage_id}")
    task_result_outcomes = ToMany(
        "task-result-outcomes", column="outcome_ids", related="/api/v2/task-results/{id}/outcomes"
    )


class AnswerSchema(Schema):
    """What a run task says: its status, and the outcomes that lead to it."""

    class Meta:
        """Its type, in both spellings of HCP Terraform's documentation."""

        type_ = "task-results"
        accepted_types = ("task-results", "task_results")
        variant = "answer"

    id = Attribute()
    status = Choice(
        (RUNNING, PASSED, FAILED),
        required=True,
        description="`running` for a sign of life; `passed` or `failed` in the end.",
        example="passed",
    )
    message = Text(
        nullable=True, maximum=MESSAGE_LENGTH, description="What people are told.", example="4 passed, 0 failed"
    )
    url = Link(
        nullable=True,
        maximum=URL_LENGTH,
        description="Where the task tells more.",
        example="https://task.example.com/results/1",
    )


class TaskResultOutcomeSchema(Schema):
    """One of the findings of a run task."""

    class Meta:
        """Its type and address."""

        type_ = "task-result-outcomes"
        self_link = "/api/v2/task-result-outcomes/{id}"

    id = Attribute()
    outcome_id = Attribute(description="The task's own name of it.")
    description = Attribute(description="What was found.")
    tags = Computed(
        lambda row, _held: (
            [{"label": label, "value": value} for label, value in row.tags.items()] if row.tags else None
        ),
        schema=_TAG_SCHEMA,
        description="Categories, each with labels that have a level.",
    )
    url = Attribute(description="Where the task tells more.")
    body = Attribute(description="The details, in Markdown.")
    created_at = DateTime(dump_only=True)

    task_result = ToOne("task-results", column="task_result_id", related="/api/v2/task-results/{task_result_id}")


def read_outcomes(relationships: object) -> list[dict[str, Any]] | None:
    """The outcomes that stand as whole resource objects in the relationship; None if there is no such relationship.

    HCP Terraform's documentation names the relationship ``outcomes``, and its API document ``task-result-outcomes``.
    """
    if not isinstance(relationships, Mapping):
        return None
    sent = relationships.get("outcomes") or relationships.get("task-result-outcomes")
    if sent is None:
        return None
    listed = sent.get("data") if isinstance(sent, Mapping) else None
    if not isinstance(listed, list) or len(listed) > OUTCOMES:
        raise ValidationError(f"must be an object with an array of at most {OUTCOMES} outcomes as data")
    found = [_outcome(each) for each in listed]
    if len({each["outcome_id"] for each in found}) < len(found):
        raise ValidationError("must have an outcome-id of its own for each outcome")
    return found


def _outcome(item: object) -> dict[str, Any]:
    attributes = item.get("attributes") if isinstance(item, Mapping) else None
    if not isinstance(attributes, Mapping):
        raise ValidationError("must be outcomes with attributes")
    named = {str(name).replace("_", "-"): value for name, value in attributes.items()}
    tags = named.get("tags")
    return {
        "outcome_id": _text(named, "outcome-id", NAME_LENGTH, required=True),
        "description": _text(named, "description", DESCRIPTION_LENGTH, required=True),
        "body": _text(named, "body", BODY_LENGTH),
        "url": _text(named, "url", URL_LENGTH),
        "tags": None if tags is None else _tags(tags),
    }


def _text(attributes: Mapping[str, Any], name: str, maximum: int, *, required: bool = False) -> str | None:
    value = attributes.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > maximum or "\0" in value:
        raise ValidationError(f"must have texts of 1 to {maximum} characters as {name}")
    return value


def _tags(value: object) -> dict[str, Any]:
    fault = f"must have at most {TAGS} tags, each a list of at most {TAGS} objects with a label and perhaps a level"
    if not isinstance(value, Mapping) or len(value) > TAGS:
        raise ValidationError(fault)
    found: dict[str, Any] = {}
    for label, entries in value.items():
        if not isinstance(entries, list) or len(entries) > TAGS or not 0 < len(label) <= NAME_LENGTH:
            raise ValidationError(fault)
        found[label] = []
        for each in entries:
            named = each if isinstance(each, Mapping) else {}
            level = named.get("level", "none")
            if level not in LEVELS:
                raise ValidationError(f"must have levels of tags among {', '.join(LEVELS)}")
            found[label].append({"label": _text(named, "label", NAME_LENGTH, required=True), "level": level})
    return found
