"""The pages of the sections of an organization, a project or a workspace, and of their own settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

from app.console.api import Document, Refused, get, segment, send
from app.console.blueprint import blueprint
from app.console.fields import Field, fields_of, sent_attributes, typed_values
from app.console.pages import action, page, redirect, redirect_to, render
from app.console.place import (
    OWN_PATHS,
    SETTINGS,
    SETTINGS_MAY,
    Place,
    entry_place,
    is_allowed,
    organization_place,
    project_place,
    workspace_place,
)
from app.console.policy_code import CODE, save_code
from app.console.queries import LONG, page_address, page_query
from app.console.section import ENTRIES, ORGANIZATION, WORKSPACE, Choice, Section
from app.console.sections import SECTIONS
from app.jsonapi.errors import NotFound
from app.resources.accounts.sign_in.authorization import Parameters, single_value


@blueprint.get("/<organization>/settings/<section>")
@page
def show_organization_section(organization: str, section: str) -> Response:
    """Show a section of an organization."""
    return _show(organization_place(organization), section)


@blueprint.post("/<organization>/settings/<section>")
@action
def change_organization_section(organization: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of an organization."""
    return _change(organization_place(organization), section, sent)


@blueprint.get("/<organization>/projects/<project_id>/<section>")
@page
def show_project_section(organization: str, project_id: str, section: str) -> Response:
    """Show a section of a project."""
    return _show(project_place(organization, project_id), section)


@blueprint.post("/<organization>/projects/<project_id>/<section>")
@action
def change_project_section(organization: str, project_id: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a project."""
    return _change(project_place(organization, project_id), section, sent)


@blueprint.get("/<organization>/workspaces/<workspace>/<section>")
@page
def show_workspace_section(organization: str, workspace: str, section: str) -> Response:
    """Show a section of a workspace."""
    return _show(workspace_place(organization, workspace, section), section)


@blueprint.post("/<organization>/workspaces/<workspace>/<section>")
@action
def change_workspace_section(organization: str, workspace: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a workspace."""
    return _change(workspace_place(organization, workspace, section), section, sent)


@blueprint.get("/<organization>/settings/<entries>/<entry_id>/<section>")
@page
def show_entry_section(organization: str, entries: str, entry_id: str, section: str) -> Response:
    """Show a section of a team, an agent pool or a variable set."""
    kind = next((kind for kind, name in ENTRIES.items() if name == entries), "")
    listed = SECTIONS.get(kind, {}).get(section)
    # A form shows nothing of what is there.
    include = listed.related.replace("-", "_") if listed and "new" not in request.args else ""
    return _show(entry_place(organization, entries, entry_id, include), section)


@blueprint.post("/<organization>/settings/<entries>/<entry_id>/<section>")
@action
def change_entry_section(organization: str, entries: str, entry_id: str, section: str, sent: Parameters) -> Response:
    """Create, change or delete something in a section of a team, an agent pool or a variable set."""
    return _change(entry_place(organization, entries, entry_id), section, sent)


def _show(place: Place, name: str, status: int = 200, **given: Any) -> Response:  # noqa: ANN401 - the template's own
    if name == SETTINGS:
        return _show_settings(place, status, **given)
    section = _section(place, name)
    if section.create_path and ("new" in request.args or "values" in given):
        return _show_form(place, name, status, **given)
    may = is_allowed(place, section.may) if section.create_path or section.item_path or section.delete_path else False
    query = {**page_query(), **{key: text.format(**place.ids) for key, text in section.query.items()}}
    if section.include:
        query["include"] = section.include
    asked = {parameter: request.args.get(parameter, "") for parameter in section.filters.values()}
    query |= {parameter: text for parameter, text in asked.items() if text}
    found = (
        place.shown.all_related(section.related)
        if section.related
        else get(section.list_path.format(**place.ids), query)
    )
    # A list that includes nothing has the ids of what it relates to alone.
    shown = {path.partition(".")[0] for path in section.columns.values() if "." in path and not section.include}
    known = [entry for each in section.choices if each.name in shown for entry in _entries(place, each)]
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
        changed=_fields("PATCH", section.item_path, section) if section.item_path else (),
        may=may,
        first_of_entry=next(iter(SECTIONS[section.entries]), CODE) if section.entries else "",
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
        fields=() if section.is_relationship else _fields("POST", section.create_path, section),
        chosen={each.name: list(_entries(place, each)) for each in section.choices},
        most=LONG,
        **{"values": {}, "faults": {}, **given},
    )


def _fields(method: str, path: str, section: Section) -> Sequence[Field]:
    return [each for each in fields_of(method, path) if each.name not in section.left_out]


def _section(place: Place, name: str) -> Section:
    found = SECTIONS[place.kind].get(name)
    if found is None:
        raise NotFound
    return found


def _entries(place: Place, choice: Choice) -> Document:
    wanted = request.args.get(f"find-{choice.name}", "")
    query = {"page[size]": LONG, "page[count]": "false", **({choice.search: wanted} if wanted else {})}
    return get(choice.path.format(**place.ids), query)


def _own_fields(place: Place) -> Sequence[Field]:
    # An entry leaves out what the section that lists it leaves out.
    listing = SECTIONS[ORGANIZATION][ENTRIES[place.kind]] if place.kind in ENTRIES else None
    path = OWN_PATHS[place.kind]
    return _fields("PATCH", path, listing) if listing else fields_of("PATCH", path)


def _show_settings(place: Place, status: int = 200, **given: Any) -> Response:  # noqa: ANN401 - the template's own
    fields = _own_fields(place)
    values = {each.name: each.shown(place.shown.attributes.get(each.name)) for each in fields}
    return render(
        "settings",
        status,
        org=place.organization,
        place=place,
        name=SETTINGS,
        fields=fields,
        may_change=is_allowed(place, SETTINGS_MAY.get(place.kind, "can-update")),
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
    fields = _fields("POST", section.create_path, section)
    try:
        made = send("POST", section.create_path.format(**place.ids), _new_document(place, section, fields, sent))
    except Refused as refused:
        return _refused(place, name, refused, typed_values(sent, fields))
    if section.code_path and made is not None:
        return save_code(place.organization, made.one, single_value(sent, CODE) or "", "created")
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
    fields = _fields("PATCH", section.item_path, section)
    attributes = sent_attributes(sent, fields, get(path).one.attributes)
    if attributes:
        try:
            send("PATCH", path, {"data": {"type": section.type, "id": identifier, "attributes": attributes}})
        except Refused as refused:
            return _show(place, name, refused.status, problem=refused.text)
    return redirect(place.address(name, done="saved"))


def _change_settings(place: Place, sent: Parameters) -> Response:
    fields = _own_fields(place)
    attributes = sent_attributes(sent, fields, place.shown.attributes)
    if attributes:
        data = {"type": place.shown.type, "id": place.shown.id, "attributes": attributes}
        try:
            send("PATCH", place.own_path, {"data": data})
        except Refused as refused:
            given = {"values": typed_values(sent, fields), "faults": refused.by_field, "problem": refused.text}
            return _show_settings(place, refused.status, **given)
    # Its name, which is in the address, may have changed.
    renamed = (
        organization_place(str(attributes["name"])) if place.kind == ORGANIZATION and "name" in attributes else place
    )
    if place.kind == WORKSPACE and "name" in attributes:
        renamed = workspace_place(place.organization, str(attributes["name"]))
    return redirect(renamed.address(SETTINGS, done="saved"))


def project_settings(organization: str, project_id: str, done: str) -> Response:
    """Lead to the settings of a project, and say there what was done."""
    return redirect_to(
        "console.show_project_section", done, organization=organization, project_id=project_id, section=SETTINGS
    )


def change_icon_refused(organization: str, project_id: str, refused: Refused) -> Response:
    """The settings of a project whose icon was refused."""
    return _show_settings(project_place(organization, project_id), refused.status, problem=refused.text)


def _item(path: str, place: Place, identifier: str) -> str:
    """The path of one of the list: its own id is the last variable part."""
    head, _, _ = path.rpartition("/{")
    return f"{head.format(**place.ids)}/{segment(identifier)}"
