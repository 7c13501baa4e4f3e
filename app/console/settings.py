"""The pages of the sections of an organization, a project or a workspace, and of their own settings."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import orjson
from flask import Response, request, url_for

from app.console.api import Document, Refused, Resource, get, segment, send
from app.console.blueprint import blueprint
from app.console.fields import Field, fields_of, sent_attributes, typed_values
from app.console.pages import action, page, redirect, redirect_to, render
from app.console.queries import page_address, page_query
from app.console.section import AGENT_POOL, ENTRIES, ORGANIZATION, PROJECT, TEAM, VARSET, WORKSPACE, Choice, Section
from app.console.sections import ACTIVITY_FILTERS, SECTIONS
from app.console.workspaces import workspace_named
from app.jsonapi.errors import NotFound
from app.resources.accounts.sign_in.authorization import Parameters, single_value

CHOICES: Final = 100
# A table has at most so many pages of 100 events.
CSV_PAGES: Final = 50
SETTINGS: Final = "settings"
OWN_PATHS: Final = {
    ORGANIZATION: "/organizations/{organization}",
    PROJECT: "/projects/{project_id}",
    WORKSPACE: "/workspaces/{workspace_id}",
    TEAM: "/teams/{team_id}",
    AGENT_POOL: "/agent-pools/{agent_pool_id}",
    VARSET: "/varsets/{varset_id}",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The organization, project or workspace that a page is about."""

    kind: str
    organization: str
    shown: Resource

    @property
    def ids(self) -> dict[str, str]:
        """The variable parts of the API's paths."""
        return {"organization": self.organization, f"{self.kind}_id": self.shown.id}

    @property
    def own_path(self) -> str:
        """The path of the thing itself."""
        return OWN_PATHS[self.kind].format(**self.ids)

    def address(self, section: str, **values: str) -> str:
        """The address of one of its sections."""
        own = {PROJECT: {"project_id": self.shown.id}, WORKSPACE: {"workspace": self.shown.name}}.get(self.kind, {})
        place: dict[str, Any] = {**own, "organization": self.organization, "section": section, **values}
        if self.kind in ENTRIES:
            place |= {"entries": ENTRIES[self.kind], "entry_id": self.shown.id}
            return url_for("console.show_entry_section", **place)
        return url_for(f"console.show_{self.kind}_section", **place)

    def rights_of(self, subject: Resource | None) -> str:
        """The address of the page about what a person or a team may do here; empty where there is no such page."""
        own = {PROJECT: {"project_id": self.shown.id}, WORKSPACE: {"workspace": self.shown.name}}.get(self.kind)
        if own is None or subject is None:
            return ""
        place: dict[str, Any] = {**own, "organization": self.organization, "subject": subject.id}
        return url_for(f"console.explain_{self.kind}", **place)


def _organization(organization: str) -> Place:
    return Place(ORGANIZATION, organization, get(f"/organizations/{organization}").one)


def _project(organization: str, project_id: str) -> Place:
    return Place(PROJECT, organization, get(f"/projects/{project_id}").one)


def _workspace(organization: str, workspace: str, section: str = "") -> Place:
    # The names of teams take two statements, so their page goes without the project's.
    return Place(
        WORKSPACE, organization, workspace_named(organization, workspace, "" if section == "teams" else "project")
    )


@blueprint.get("/<organization>/settings/<section>")
@page
def show_organization_section(organization: str, section: str) -> Response:
    """Show a section of an organization."""
    return _show(_organization(organization), section)


@blueprint.post("/<organization>/settings/<section>")
@action
def change_organization_section(organization: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of an organization."""
    return _change(_organization(organization), section, sent)


@blueprint.get("/<organization>/projects/<project_id>/<section>")
@page
def show_project_section(organization: str, project_id: str, section: str) -> Response:
    """Show a section of a project."""
    return _show(_project(organization, project_id), section)


@blueprint.post("/<organization>/projects/<project_id>/<section>")
@action
def change_project_section(organization: str, project_id: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a project."""
    return _change(_project(organization, project_id), section, sent)


@blueprint.get("/<organization>/workspaces/<workspace>/<section>")
@page
def show_workspace_section(organization: str, workspace: str, section: str) -> Response:
    """Show a section of a workspace."""
    return _show(_workspace(organization, workspace, section), section)


@blueprint.post("/<organization>/workspaces/<workspace>/<section>")
@action
def change_workspace_section(organization: str, workspace: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a workspace."""
    return _change(_workspace(organization, workspace, section), section, sent)


def _entry(organization: str, entries: str, entry_id: str) -> Place:
    kind = next((kind for kind, name in ENTRIES.items() if name == entries), None)
    if kind is None:
        raise NotFound
    return Place(kind, organization, get(OWN_PATHS[kind].format(**{f"{kind}_id": entry_id})).one)


@blueprint.get("/<organization>/settings/<entries>/<entry_id>/<section>")
@page
def show_entry_section(organization: str, entries: str, entry_id: str, section: str) -> Response:
    """Show a section of a team, an agent pool or a variable set."""
    return _show(_entry(organization, entries, entry_id), section)


@blueprint.post("/<organization>/settings/<entries>/<entry_id>/<section>")
@action
def change_entry_section(organization: str, entries: str, entry_id: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a team, an agent pool or a variable set."""
    return _change(_entry(organization, entries, entry_id), section, sent)


@blueprint.get("/<organization>/settings/activity.csv")
@page
def download_activity(organization: str) -> Response:
    """Download the events of an organization as a table, the newest first, with the filters of the page."""
    query = {name: text for name in ACTIVITY_FILTERS.values() if (text := request.args.get(name))}
    query |= {"page[size]": "100", "page[after]": ""}
    written = StringIO()
    table = csv.writer(written)
    table.writerow(("id", "created-at", "action", "actor", "subject-type", "subject", "changes"))
    for _ in range(CSV_PAGES):
        found = get(f"/organizations/{organization}/activity-events", query)
        for each in found:
            actor, subject = each.actor or {}, each.subject or {}
            row = (each.id, each.created_at, each.action, actor.get("name"), subject.get("type"), subject.get("name"))
            table.writerow(map(_cell, (*row, orjson.dumps(each.changes).decode())))
        following = parse_qs(urlsplit(found.content["links"]["next"] or "").query).get("page[after]")
        if not following:
            break
        query["page[after]"] = following[0]
    headers = {"Content-Disposition": f'attachment; filename="{quote(organization)}-activity.csv"'}
    return Response(written.getvalue(), headers=headers, content_type="text/csv; charset=utf-8")


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _show(place: Place, name: str, status: int = 200, **given: Any) -> Response:  # noqa: ANN401 - the template's own
    if name == SETTINGS:
        return _show_settings(place, status, **given)
    section = _section(place, name)
    if section.create_path and ("new" in request.args or "values" in given):
        return _show_form(place, name, status, **given)
    query = {**page_query(), **{key: text.format(**place.ids) for key, text in section.query.items()}}
    if section.include:
        query["include"] = section.include
    asked = {parameter: request.args.get(parameter, "") for parameter in section.filters.values()}
    query |= {parameter: text for parameter, text in asked.items() if text}
    found = get(section.list_path.format(**place.ids), query)
    # A list that includes nothing has the ids of what it relates to alone.
    known = (
        []
        if section.include or section.is_relationship
        else [entry for each in section.choices[:1] for entry in _entries(place, each)]
    )
    return render(
        "section",
        status,
        org=place.organization,
        place=place,
        name=name,
        section=section,
        found=found,
        names={entry.id: entry.name for entry in known},
        asked=asked,
        changed=fields_of("PATCH", section.item_path) if section.item_path else (),
        first_of_entry=next(iter(SECTIONS[section.entries])) if section.entries else "",
        address=page_address(**(request.view_args or {})),
        **{"made": None, **given},
    )


def _show_form(place: Place, name: str, status: int = 200, **given: Any) -> Response:  # noqa: ANN401 - likewise
    section = _section(place, name)
    return render(
        "new_entry",
        status,
        org=place.organization,
        place=place,
        name=name,
        section=section,
        fields=() if section.is_relationship else fields_of("POST", section.create_path),
        chosen={each.name: list(_entries(place, each)) for each in section.choices},
        **{"values": {}, "faults": {}, **given},
    )


def _section(place: Place, name: str) -> Section:
    found = SECTIONS[place.kind].get(name)
    if found is None:
        raise NotFound
    return found


def _entries(place: Place, choice: Choice) -> Document:
    return get(choice.path.format(**place.ids), {"page[size]": CHOICES, "page[count]": "false"})


def _show_settings(place: Place, status: int = 200, **given: Any) -> Response:  # noqa: ANN401 - the template's own
    fields = fields_of("PATCH", OWN_PATHS[place.kind])
    values = {each.name: each.shown(place.shown.attributes.get(each.name)) for each in fields}
    return render(
        "settings",
        status,
        org=place.organization,
        place=place,
        name=SETTINGS,
        fields=fields,
        sections=SECTIONS[place.kind],
        **{"values": values, "faults": {}, **given},
    )


def _change(place: Place, name: str, sent: Parameters) -> Response:
    if name == SETTINGS:
        return _change_settings(place, sent)
    section = _section(place, name)
    do, identifier = single_value(sent, "do") or "create", single_value(sent, "id") or ""
    if section.is_relationship:
        return _change_links(place, name, section, sent, [identifier] if do == "delete" else None)
    if do == "delete" and section.delete_path:
        send("DELETE", _item(section.delete_path, place, identifier))
        return redirect(place.address(name, done="deleted"))
    if do == "change" and section.item_path:
        return _change_item(place, name, section, identifier, sent)
    if not section.create_path:
        raise NotFound
    return _create(place, name, section, sent)


def _create(place: Place, name: str, section: Section, sent: Parameters) -> Response:
    fields = fields_of("POST", section.create_path)
    try:
        made = send("POST", section.create_path.format(**place.ids), _new_document(place, section, fields, sent))
    except Refused as refused:
        return _refused(place, name, refused, typed_values(sent, fields))
    if section.shows_token and made is not None and (made.one.token or made.one.link):
        return _show(place, name, made=made.one)
    return redirect(place.address(name, done="created"))


def _change_links(place: Place, name: str, section: Section, sent: Parameters, gone: list[str] | None) -> Response:
    """Link what was chosen to the place, or unlink what is gone."""
    linked = gone or sent.getlist(f"to-{section.choices[0].name}")
    document = {"data": [{"type": section.type, "id": identifier} for identifier in linked]}
    send("DELETE" if gone else "POST", section.create_path.format(**place.ids), document)
    return redirect(place.address(name, done="removed" if gone else "saved"))


def _refused(place: Place, name: str, refused: Refused, values: Mapping[str, str]) -> Response:
    return _show(place, name, refused.status, values=values, faults=refused.by_field, problem=refused.text)


def _new_document(place: Place, section: Section, fields: Sequence[Field], sent: Parameters) -> dict[str, Any]:
    relationships: dict[str, Any] = {}
    for each in section.choices:
        ids = [{"type": each.type, "id": identifier} for identifier in sent.getlist(f"to-{each.name}") if identifier]
        if ids or each.is_required:
            relationships[each.name] = {"data": ids if each.is_many else ids[0] if ids else None}
    if section.own:
        relationships[section.own] = {"data": {"type": place.shown.type, "id": place.shown.id}}
    data: dict[str, Any] = {"type": section.type}
    if attributes := sent_attributes(sent, fields):
        data["attributes"] = attributes
    if relationships:
        data["relationships"] = relationships
    return {"data": data}


def _change_item(place: Place, name: str, section: Section, identifier: str, sent: Parameters) -> Response:
    path = _item(section.item_path, place, identifier)
    fields = fields_of("PATCH", section.item_path)
    attributes = sent_attributes(sent, fields, get(path).one.attributes)
    if attributes:
        try:
            send("PATCH", path, {"data": {"type": section.type, "id": identifier, "attributes": attributes}})
        except Refused as refused:
            return _show(place, name, refused.status, problem=refused.text)
    return redirect(place.address(name, done="saved"))


def _change_settings(place: Place, sent: Parameters) -> Response:
    fields = fields_of("PATCH", OWN_PATHS[place.kind])
    attributes = sent_attributes(sent, fields, place.shown.attributes)
    if attributes:
        data = {"type": place.shown.type, "id": place.shown.id, "attributes": attributes}
        try:
            send("PATCH", place.own_path, {"data": data})
        except Refused as refused:
            given = {"values": typed_values(sent, fields), "faults": refused.by_field, "problem": refused.text}
            return _show_settings(place, refused.status, **given)
    # Its name, which is in the address, may have changed.
    renamed = _organization(str(attributes["name"])) if place.kind == ORGANIZATION and "name" in attributes else place
    if place.kind == WORKSPACE and "name" in attributes:
        renamed = _workspace(place.organization, str(attributes["name"]))
    return redirect(renamed.address(SETTINGS, done="saved"))


def project_settings(organization: str, project_id: str, done: str) -> Response:
    """Lead to the settings of a project, and say there what was done."""
    return redirect_to(
        "console.show_project_section", done, organization=organization, project_id=project_id, section=SETTINGS
    )


def change_icon_refused(organization: str, project_id: str, refused: Refused) -> Response:
    """The settings of a project whose icon was refused."""
    return _show_settings(_project(organization, project_id), refused.status, problem=refused.text)


def _item(path: str, place: Place, identifier: str) -> str:
    """The path of one of the list: its own id is the last variable part."""
    head, _, _ = path.rpartition("/{")
    return f"{head.format(**place.ids)}/{segment(identifier)}"
