"""Carrying records into an organization of this service: a plan first, then the same walk again, which does it.

A record is looked for by its names. What is lacking is made, what differs is changed, and nothing is ever deleted. Each
is one request to the API, so one transaction with its event: what was cut off goes on with the next run, and a run that
has nothing to do says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from app.models.environments import DEFAULT_ENVIRONMENT
from app.models.projects import DEFAULT_PROJECT
from app.transfer.client import Refused
from app.transfer.kinds import EVERYTHING, Kind, Parent
from app.transfer.reading import KINDS
from app.transfer.records import (
    AGENT_POOLS,
    ENVIRONMENTS,
    LEFT_OUT,
    PEOPLE,
    PROJECTS,
    STATES,
    TEAMS,
    VARIABLES,
    VARSET_VARIABLES,
    VARSETS,
    WORKSPACE_TAGS,
    WORKSPACES,
    Key,
    Record,
    Reference,
    Source,
    TransferError,
)
from app.transfer.side import Side
from app.transfer.state_import import StateImport, StatesRefused

CREATE: Final = "create"
CHANGE: Final = "change"
STAY: Final = "stay"
LEAVE: Final = "left out"
FAIL: Final = "failed"
SIGNS: Final = {CREATE: "+", CHANGE: "~", LEAVE: "!", FAIL: "x"}
# The id of what the plan would make.
PLANNED: Final = ""
# Kinds of the API itself, which have the same ids everywhere.
FIXED: Final = frozenset({"cloud-providers"})
_WORDS: Final = {PEOPLE: "member with the e-mail address", AGENT_POOLS: "agent pool"}
# What a plan tells of access that it gives.
ACCESS: Final = ("role", "level", "access")
POOLS: Final = ("agent-pool", "default-agent-pool")

Tell = Callable[["Step"], None]


@dataclass(frozen=True, slots=True)
class Step:
    """What is done about one record."""

    action: str
    title: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        """The line of the plan."""
        shown = f"{SIGNS[self.action]} {self.title} {self.name}".rstrip()
        text = f"{shown}: {self.detail}" if self.detail else shown
        # Names come from elsewhere, and a terminal obeys some characters.
        return "".join(each if each.isprintable() else "?" for each in text)


@dataclass(slots=True)
class Outcome:
    """What all steps come to."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def changes(self) -> int:
        """How many things are made or changed."""
        return self.counts[CREATE] + self.counts[CHANGE]


class Import:
    """One walk through the records of a source; with ``applies``, it does what a plan only tells."""

    def __init__(self, source: Source, target: Side, tell: Tell, *, applies: bool, states: StateImport) -> None:
        """Nothing is looked at yet."""
        self._source = source
        self._target = target
        self._tell_step = tell
        self._applies = applies
        self._states = states
        self._outcome = Outcome()
        # Ids of what other records refer to; None for what is not there.
        self._ids: dict[tuple[str, Key], str | None] = {}
        # The children of one parent of each kind: records come parent by parent.
        self._children: dict[str, tuple[Key, dict[Key, Record]]] = {}

    def run(self) -> Outcome:
        """Walk through all records."""
        for record in self._source.records():
            try:
                self._take(record)
            except (Refused, StatesRefused) as error:
                self._forget(record)
                self._tell(FAIL, record, str(error))
        return self._outcome

    def _take(self, record: Record) -> None:
        if record.kind == LEFT_OUT:
            self._step(Step(LEAVE, record.key[0], "/".join(record.key[1:]), str(record.attributes["text"])))
            return
        if record.kind == STATES:
            self._take_states(record)
            return
        kind = KINDS.get(record.kind)
        if kind is None:
            raise TransferError(f"The archive has {record.kind}, which this version of Groundplan does not know.")
        parent_key = self._parent_key(kind, record)
        parent_id = self._ids.get((kind.parent, parent_key)) if kind.parent else PLANNED
        if parent_id is None:
            self._ids[record.kind, _folded(kind, record.key)] = None
            self._tell(LEAVE, record, "what it belongs to is not carried")
            return
        parent = Parent(record.key[: len(parent_key)], parent_id)
        # What a planned parent would come with, such as a first environment, is only there after it was made.
        found = None if kind.parent and parent_id == PLANNED else self._find(kind, parent, record)
        if found is None:
            self._make(kind, parent, record)
        else:
            self._note(kind, record, found.id)
            self._change(kind, parent, record, found)

    def _make(self, kind: Kind, parent: Parent, record: Record) -> None:
        if record.kind == TEAMS and record.is_shared:
            self._note(kind, record, None)
            self._tell(LEAVE, record, "there is no such team; make it, then import again")
            return
        if _lacks_value(record):
            self._tell(LEAVE, record, "its value is sensitive and not known; make the variable yourself")
            return
        if self._comes_with_its_parent(parent, record):
            self._note(kind, record, PLANNED)
            self._tell(STAY, record)
            return
        usable = self._usable(kind, record)
        if usable is None or (record.references and not usable.references and not usable.attributes):
            self._note(kind, record, None)
            return
        made = kind.create(self._target, parent, usable, self._resolve) if self._applies else PLANNED
        self._note(kind, record, made)
        self._tell(
            CREATE, record, next((str(usable.attributes[name]) for name in ACCESS if name in usable.attributes), "")
        )
        for variable in record.attributes.get("vars", ()) if record.kind == VARSETS else ():
            if variable.get("value") is None:
                self._step(Step(LEAVE, "variable", f"{record.name}/{variable['key']}", "its value is not known"))

    def _change(self, kind: Kind, parent: Parent, record: Record, found: Record) -> None:
        if record.kind == WORKSPACES and self._is_elsewhere(record, found):
            self._note(kind, record, None)
            project = found.references.get("project", ["", "another project"])[1]
            self._tell(LEAVE, record, f"a workspace of this name is in the project {project}")
            return
        usable = None if record.is_shared else self._usable(kind, record)
        changes = None if usable is None else kind.differences(usable, found)
        if changes is None:
            self._tell(STAY, record)
            return
        if self._applies:
            kind.update(self._target, parent, changes, self._resolve)
        self._tell(CHANGE, record, ", ".join(sorted({*changes.attributes, *changes.references})))

    def _comes_with_its_parent(self, parent: Parent, record: Record) -> bool:
        """Whether it will be there already: a project begins with an environment, an organization with a project."""
        if record.kind == ENVIRONMENTS:
            return parent.id == PLANNED and record.key[-1] == DEFAULT_ENVIRONMENT
        return record.kind == PROJECTS and record.key[0] == DEFAULT_PROJECT and self._target.planned_owner is not None

    def _usable(self, kind: Kind, record: Record) -> Record | None:
        """The record without references to what is not there; None if it needs one of them."""
        references = {}
        for name, value in record.references.items():
            is_list = bool(value) and isinstance(value[0], list)
            known = [each for each in (value if is_list else [value]) if self._resolve(each) is not None]
            lacking = [each for each in (value if is_list else [value]) if each not in known]
            for each in lacking:
                word = _WORDS.get(each[0]) or KINDS[each[0]].title
                text = f"there is no {word} {'/'.join(each[1:])}"
                if name not in kind.optional:
                    self._tell(LEAVE, record, text)
                    return None
                self._tell(LEAVE, record, f"{text} for {name}")
            if known:
                references[name] = known if is_list else known[0]
        attributes = record.attributes
        if any(name in POOLS and name not in references for name in record.references):
            # A mode that needs a pool is the project's then.
            attributes = {name: value for name, value in attributes.items() if value != "agent"}
            if "setting-overwrites" in attributes:
                attributes["setting-overwrites"] = dict.fromkeys(attributes["setting-overwrites"], False)
        return Record(kind=record.kind, key=record.key, attributes=attributes, references=references, id=record.id)

    def _is_elsewhere(self, record: Record, found: Record) -> bool:
        wanted, there = record.references.get("project"), found.references.get("project")
        return wanted is not None and there is not None and wanted[1].casefold() != there[1].casefold()

    def _find(self, kind: Kind, parent: Parent, record: Record) -> Record | None:
        """The one that is there already."""
        if record.kind == WORKSPACES:
            resource = self._target.find_workspace(record.key[0])
            return kind.record(self._target, parent, resource) if resource else None
        known = self._children.get(record.kind)
        if known is None or known[0] != parent.key:
            # Plain tags are attributes of their workspace.
            resource = self._target.find_workspace(parent.key[0]) if record.kind == WORKSPACE_TAGS else None
            whole = Parent(parent.key, parent.id, resource)
            found = {_folded(kind, each.key): each for each in kind.read(self._target, whole)}
            known = self._children[record.kind] = parent.key, found
        return known[1].get(_folded(kind, record.key))

    def _take_states(self, record: Record) -> None:
        workspace = self._ids.get((WORKSPACES, _folded(KINDS[WORKSPACES], record.key)))
        if workspace is None:
            self._tell(LEAVE, record, "the workspace is not carried")
            return
        versions: list[dict[str, Any]] = record.attributes["versions"]
        new = versions if workspace == PLANNED else self._states.lacking(workspace, versions, self._source)
        if self._applies:
            for version in new:
                self._states.add(workspace, version, self._source)
        if new:
            last = f" to {new[-1]['serial']}" if len(new) > 1 else ""
            word = "state versions" if len(new) > 1 else "state version"
            self._tell(CREATE, record, f"{len(new):,} {word}, serial {new[0]['serial']}{last}")
        else:
            self._tell(STAY, record)

    def _parent_key(self, kind: Kind, record: Record) -> Key:
        if kind.parent is None:
            return EVERYTHING
        above = KINDS[kind.parent]
        length = len(above.keys) + (kind.parent == VARSETS)
        return _folded(above, record.key[:length])

    def _resolve(self, reference: Reference) -> str | None:
        """The id of what a reference names; None if there is no such thing, and none is planned."""
        if reference[0] in FIXED:
            return reference[1]
        named = (reference[0], tuple(part.casefold() for part in reference[1:]))
        if self._ids.get(named) is None and named not in self._ids:
            found = self._target.id_of(reference[0], tuple(reference[1:]))
            if found is None:
                return None
            self._ids[named] = found
        return self._ids[named]

    def _note(self, kind: Kind, record: Record, identifier: str | None) -> None:
        self._ids[record.kind, _folded(kind, record.key)] = identifier

    def _forget(self, record: Record) -> None:
        # What is there and could not be changed still gets what belongs to it.
        if record.kind in KINDS:
            self._ids.setdefault((record.kind, _folded(KINDS[record.kind], record.key)), None)

    def _tell(self, action: str, record: Record, detail: str = "") -> None:
        title = "states of workspace" if record.kind == STATES else KINDS[record.kind].title
        self._step(Step(action, title, record.name, detail))

    def _step(self, step: Step) -> None:
        self._outcome.counts[step.action] += 1
        if step.action != STAY:
            self._tell_step(step)


def _lacks_value(record: Record) -> bool:
    attributes = record.attributes
    is_variable = record.kind in {VARIABLES, VARSET_VARIABLES}
    return is_variable and bool(attributes.get("sensitive")) and attributes.get("value") is None


def _folded(kind: Kind, key: Key) -> Key:
    return tuple(part.casefold() for part in key) if kind.is_folded else key


def figures(outcome: Outcome) -> Iterator[str]:
    """The figures of the plan, for people."""
    for action, word in ((CREATE, "to create"), (CHANGE, "to change"), (STAY, "that stay"), (LEAVE, "not carried")):
        yield f"{outcome.counts[action]:,} {word}"
