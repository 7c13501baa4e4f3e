"""The base of all schemas, and loading a request document with a schema."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from marshmallow import EXCLUDE, ValidationError
from marshmallow_jsonapi import Schema as LibrarySchema
from marshmallow_jsonapi import SchemaOpts
from marshmallow_jsonapi.fields import BaseRelationship

from app.authz.permissions import P
from app.jsonapi.body import resource_object
from app.jsonapi.errors import ApiError, Invalid, InvalidAttribute, humanized
from app.jsonapi.fields import BaseAttribute, Constant, ToOne
from app.jsonapi.members import HCP_TYPES, Group, GroupName, read_group, unknown_around
from app.jsonapi.templates import fill_template


def dasherized(name: str) -> str:
    """The name of an attribute or relationship in documents: ``created_at`` becomes ``created-at``."""
    return name.replace("_", "-")


class Options(SchemaOpts):
    """The options of a schema. ``self_link`` is a template over the row's columns.

    ``page_link`` is a template for the address of a page for people; clients show it, whether or not that page exists.
    ``more_links`` are templates of further links by their names.
    A ``variant`` is another schema of a type than the one with the type's name. ``in_example`` names relationships that
    an example of a request needs although the schema does not require them. ``sent_back`` names attributes that another
    address sets, and that are ignored here, because clients send back what they were shown. A schema that
    ``is_own`` refuses members that it does not know; it is, unless HCP Terraform has the type, or the schema says so
    itself.
    """

    def __init__(self, meta: type, *args: Any, **options: Any) -> None:  # noqa: ANN401 - the library's own
        """Read the options from the inner class ``Meta``."""
        super().__init__(meta, *args, **options)
        self.inflect = dasherized
        self.unknown = EXCLUDE
        self.self_link: str | None = getattr(meta, "self_link", None)
        self.page_link: str | None = getattr(meta, "page_link", None)
        self.more_links: Mapping[str, str] = getattr(meta, "more_links", {})
        self.variant: str | None = getattr(meta, "variant", None)
        self.in_example: tuple[str, ...] = getattr(meta, "in_example", ())
        self.sent_back: tuple[str, ...] = getattr(meta, "sent_back", ())
        self.is_own: bool = getattr(meta, "is_own", self.type_ not in HCP_TYPES)
        self.accepted_types: tuple[str, ...] = getattr(meta, "accepted_types", (self.type_,))


class Schema(LibrarySchema):
    """The attributes and relationships of a resource, with their validation.

    ``class Meta`` names the ``type_`` and, where the resource has an address, its ``self_link``. ``accepted_types``
    lists other spellings of the type that clients send; an empty tuple accepts anything.
    """

    OPTIONS_CLASS = Options
    opts: Options

    class Meta:
        """The base is never dumped, but the library requires a type."""

        type_ = "resources"

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:  # noqa: ANN401 - the library's own
        """The library's document with one resource object, and its link."""
        document = super().dump(obj, many=many)
        if self.opts.self_link:
            document["data"]["links"] = {"self": fill_template(self.opts.self_link, obj)}
        if self.opts.page_link:
            document["data"]["links"]["self-html"] = fill_template(self.opts.page_link, obj)
        for name, template in self.opts.more_links.items():
            document["data"]["links"][name] = fill_template(template, obj)
        return document

    def inflect(self, text: str) -> str:
        """The dashed name. One that a field was given stays: the library dashes names in documents once more."""
        given = (field.data_key for field in self._declared_fields.values())
        return text if text in given else dasherized(text)

    def format_error(self, field_name: str, message: str, index: int | None = None) -> InvalidAttribute:  # noqa: ARG002 - the library's own
        """One fault with its pointer, ``field_name`` being the dashed name, with ``/key`` for nested members."""
        name = field_name.partition("/")[0]
        group = "attributes"
        for field in self.fields.values():
            if field.data_key == name and isinstance(field, BaseRelationship):
                group = "relationships"
        member = field_name.rpartition("/")[2]
        return InvalidAttribute(f"{humanized(member)} {message}", pointer=f"/data/{group}/{field_name}")


def protected_attributes(schema_type: type[Schema]) -> dict[str, tuple[Sequence[str], P]]:
    """The attributes that only some callers see: by name in documents, the columns they show and the permission."""
    return {
        field.data_key or dasherized(name): (field.columns_read(name), field.shown_to)
        for name, field in schema_type._declared_fields.items()  # noqa: SLF001 - marshmallow's registry of fields
        if isinstance(field, BaseAttribute) and field.shown_to is not None
    }


def settable_attributes(schema_type: type[Schema]) -> frozenset[str]:
    """The attributes that the API accepts, by their names in documents."""
    return frozenset(
        field.data_key or dasherized(name)
        for name, field in schema_type._declared_fields.items()  # noqa: SLF001 - marshmallow's registry of fields
        if isinstance(field, BaseAttribute) and not field.dump_only
    )


# What these mean is the same for every resource.
COMMON_DESCRIPTIONS = {
    "created-at": "When it was made.",
    "updated-at": "When it was last changed.",
    "permissions": "What the caller may do with it, as one flag for each action.",
}


def describe_attribute(schema_type: type[Schema], name: str) -> str:
    """What the attribute with this name in documents means; empty if nobody has written it down.

    A name can have two fields, one for what is sent and one for what is shown; either has the description. A schema
    that declares a field of its base once more can leave the description to the base.
    """
    for base in schema_type.__mro__:
        for field_name, field in getattr(base, "_declared_fields", {}).items():
            if isinstance(field, BaseAttribute) and (field.data_key or dasherized(field_name)) == name:
                if field.description:
                    return field.description
                if isinstance(field, Constant) and name not in COMMON_DESCRIPTIONS:
                    return "The same on every resource. Clients of HCP Terraform expect it."
    return COMMON_DESCRIPTIONS.get(name, "")


@cache
def protected_by_type() -> dict[str, dict[str, P]]:
    """For each JSON:API type, the attributes that only some callers see, with the permission to see them.

    Attributes are listed by their names in documents, and by those in recorded events, which are the columns' names.
    """
    found: dict[str, dict[str, P]] = {}
    for schema_type in all_schemas():
        type_: str = schema_type.Meta.type_
        for name, (columns, permission) in protected_attributes(schema_type).items():
            names = {name, *(dasherized(column) for column in columns)}
            found.setdefault(type_, {}).update(dict.fromkeys(names, permission))
    return found


# Making a schema copies all its fields. One that only loads can be shared, even between threads: the library stores
# only "included" and "meta" of a document on it, which it never gets here.
_LOADERS: dict[type[Schema], Schema] = {}
_GROUPS: dict[type[Schema], tuple[Group, Group]] = {}


def load(
    schema_type: type[Schema],
    document: object,
    *,
    partial: bool = False,
    identifier: str | None = None,
) -> dict[str, Any]:
    """The attributes and relationships in the document, by their names in the model.

    Unknown ones are refused if the resource is Groundplan's own, and ignored if HCP Terraform has it. With ``partial``
    (an update), required ones may be missing. Raises ``Invalid`` with one error object for each fault, or
    ``Unprocessable`` if the shape of the document is wrong.
    """
    schema = _LOADERS.get(schema_type) or _LOADERS.setdefault(schema_type, schema_type())
    item = resource_object(document, schema.opts.accepted_types, identifier)
    around = list(unknown_around(cast("Mapping[str, Any]", document), item)) if schema.opts.is_own else []
    return load_item(schema, item, partial=partial, faults=around)


def load_item(
    schema: Schema, item: Mapping[str, Any], *, partial: bool, faults: Sequence[ApiError] = ()
) -> dict[str, Any]:
    """The attributes and relationships of one resource object whose shape was checked before.

    ``faults`` are those that were found already; they are raised together with further ones.
    """
    # Attributes are read only from ``attributes``, relationships only from ``relationships``: the library mixes them.
    is_own = schema.opts.is_own
    sent = [read_group(group, item.get(group.name) or {}, is_own=is_own) for group in member_groups(schema)]
    found = [*faults, *(fault for each in sent for fault in each.faults)]
    at_first = len(found)
    payload: dict[str, Any] = {"type": schema.opts.type_}
    payload.update((each.group.name, each.members) for each in sent)
    loaded: dict[str, Any] = {}
    try:
        loaded = schema.load({"data": payload}, partial=partial)
    except ValidationError as error:
        found += _faults(error)
    except ApiError as error:
        if not found:
            raise
        found.append(error)
    if not found:
        return loaded
    for fault in found[at_first:]:
        for each in sent:
            if each.spellings and fault.pointer is not None:
                fault.pointer = each.pointed(fault.pointer)
    raise Invalid(found)


def member_groups(schema: Schema) -> tuple[Group, Group]:
    """The attributes and the relationships of a schema."""
    return _GROUPS.get(type(schema)) or _GROUPS.setdefault(type(schema), _groups(schema))


def _groups(schema: Schema) -> tuple[Group, Group]:
    elsewhere = _settable_names(schema.opts.type_) if schema.opts.is_own else frozenset()
    elsewhere -= set(schema.opts.sent_back)
    return _group("attributes", schema, elsewhere), _group("relationships", schema, elsewhere)


def _group(name: GroupName, schema: Schema, elsewhere: frozenset[str]) -> Group:
    fields = [field for field in schema.fields.values() if _group_of(field) == name]
    settable = frozenset(str(field.data_key) for field in fields if not field.dump_only)
    unsettable = frozenset(str(field.data_key) for field in fields) - settable
    also_named = {
        other: str(field.data_key) for field in fields if isinstance(field, ToOne) for other in field.also_named
    }
    return Group(name, settable, unsettable, also_named, unsettable & elsewhere)


def _group_of(field: object) -> GroupName:
    return "relationships" if isinstance(field, BaseRelationship) else "attributes"


def _settable_names(type_: str) -> frozenset[str]:
    """The members of a type that can be set at one address or another."""
    return frozenset(
        field.data_key or dasherized(name)
        for schema_type in all_schemas()
        if schema_type.Meta.type_ == type_
        for name, field in schema_type._declared_fields.items()  # noqa: SLF001 - marshmallow's registry of fields
        if name != "id" and not field.dump_only
    )


def all_schemas() -> Iterator[type[Schema]]:
    """Every schema of the application, each after its base."""
    waiting: list[type[Schema]] = [Schema]
    while waiting:
        schema_type = waiting.pop()
        waiting.extend(schema_type.__subclasses__())
        yield schema_type


def _faults(error: ValidationError) -> list[ApiError]:
    messages: Any = error.messages
    faults: list[ApiError] = messages["errors"]
    return faults
