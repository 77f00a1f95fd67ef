"""The addresses of the ethogram editor: what there is, and one for each kind of edit.

Every edit is one transaction of the project, answered with the ethogram as it is then. A refusal
is a sentence, which the page shows at the row that it is about.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import MalformedRequestError, PageRequest, Routes
from app.pages.services import Services
from vidmem.errors import SettingError
from vidmem.labels import (
    DEFAULT_AXIS,
    DEFAULT_COLOURS,
    PRESETS,
    Behaviour,
    BehaviourKind,
    preset,
)
from vidmem.projects import Changes, Project

MAX_BEHAVIOURS = 300
MAX_NAME_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 2000


def add_ethogram_routes(api: FastAPI, services: Services) -> None:
    """Answer what the ethogram editor asks for."""
    routes, editor = Routes(api, services.registry.find), _Editor(services.project)
    routes.json("/label/ethogram", editor.view)
    for edit in (
        editor.add,
        editor.preset,
        editor.rename,
        editor.change,
        editor.key,
        editor.move,
        editor.rename_axis,
        editor.delete,
        editor.undo,
    ):
        routes.post_json(f"/label/ethogram/{edit.__name__}", edit)


class _Editor:
    """The functions of the addresses."""

    def __init__(self, project: Project) -> None:
        self._project, self._behaviours = project, project.behaviours

    def view(self, request: PageRequest) -> dict[str, Any]:
        return ethogram_view(self._project)

    def add(self, request: PageRequest) -> dict[str, Any]:
        if len(self._project.ethogram) >= MAX_BEHAVIOURS:
            raise SettingError(
                f"An ethogram has at most {MAX_BEHAVIOURS} behaviours here; delete one first."
            )
        behaviour = Behaviour(
            _name(request, "name"),
            key=request.text("key"),
            kind=_kind(request),
            axis=_name(request, "axis", DEFAULT_AXIS),
        )
        return self._answer(self._behaviours.add(behaviour, **_about(request)))

    def preset(self, request: PageRequest) -> dict[str, Any]:
        name = request.text("preset")
        made = preset(name)
        of = f"the preset {name}"
        return self._answer(self._behaviours.unite(made, of=of, **_about(request)))

    def rename(self, request: PageRequest) -> dict[str, Any]:
        name, new_name = request.text("name"), _name(request, "new_name")
        return self._answer(self._behaviours.rename(name, new_name, **_about(request)))

    def change(self, request: PageRequest) -> dict[str, Any]:
        """Colour, axis, kind or description, whichever the request has."""
        name, fields = request.text("name"), {}
        if "colour" in request.fields:
            fields["colour"] = request.text("colour")
        if "axis" in request.fields:
            fields["axis"] = _name(request, "axis")
        if "kind" in request.fields:
            fields["kind"] = _kind(request)
            self._check_kind(name, fields["kind"])
        if "description" in request.fields:
            fields["description"] = _description(request)
        if not fields:
            raise MalformedRequestError("a change must have a colour, an axis, a kind or a text")
        return self._answer(self._behaviours.change(name, **fields, **_about(request)))

    def key(self, request: PageRequest) -> dict[str, Any]:
        """Another key; one that another behaviour has is taken from it only if asked for."""
        name, key, is_taken = request.text("name"), request.text("key"), request.fields.get("take")
        edit = self._behaviours.rekey(name, key, is_taken=is_taken is True, **_about(request))
        return self._answer(edit)

    def move(self, request: PageRequest) -> dict[str, Any]:
        name, to = request.text("name"), request.whole("to")
        return self._answer(self._behaviours.reorder(name, to, **_about(request)))

    def rename_axis(self, request: PageRequest) -> dict[str, Any]:
        axis, new_axis = request.text("axis"), _name(request, "new_axis")
        return self._answer(self._behaviours.rename_axis(axis, new_axis, **_about(request)))

    def delete(self, request: PageRequest) -> dict[str, Any]:
        """With how many bouts the person was told will go: another number is refused."""
        name, num_bouts = request.text("name"), request.whole("num_bouts")
        return self._answer(self._behaviours.delete(name, num_bouts=num_bouts, **_about(request)))

    def undo(self, request: PageRequest) -> dict[str, Any]:
        """The edit that an answer told of, as long as nothing came after it."""
        edit = request.whole("edit")
        return self._answer(self._project.undo(edit, author=request.author))

    def _check_kind(self, name: str, kind: BehaviourKind) -> None:
        """See that no bout would have to become an instant, or to last."""
        behaviour, num_bouts = self._project.ethogram[name], self._behaviours.num_bouts(name)
        if num_bouts and behaviour.kind != kind:
            have = "last" if behaviour.is_state else "are instants"
            what = "a point" if kind == "point" else "a state"
            raise SettingError(
                f"{name} cannot become {what}: it has {_counted(num_bouts)} that {have}. "
                f"Add another behaviour as {what}, or delete these bouts first."
            )

    def _answer(self, changes: Changes) -> dict[str, Any]:
        """What was done, by which `undo` takes it back, and the ethogram as it is now."""
        view = ethogram_view(self._project)
        is_done = bool(changes.edits)  # nothing is: such as a colour that it had
        return {
            **view,
            "words": changes.words,
            "edit": changes.edits[-1].revision if is_done else None,
        }


def ethogram_view(project: Project) -> dict[str, Any]:
    """All that the editor shows."""
    # First: an edit that comes between is then seen as one that the page has not seen.
    revision = project.revision
    ethogram, counts = project.ethogram, project.behaviours.counts()
    return {
        "revision": revision,
        "behaviours": [
            {
                "name": one.name,
                "colour": one.colour,
                "key": one.key,
                "kind": one.kind,
                "axis": one.axis,
                "description": one.description,
                "num_bouts": counts.get(one.name, 0),
            }
            for one in ethogram
        ],
        "axes": list(ethogram.axes),
        "presets": [
            {
                "name": name,
                "num_new": sum(one.name not in ethogram for one in made),
                "num": len(made),
            }
            for name, make in PRESETS.items()
            if len(made := make())
        ],
        "palette": list(DEFAULT_COLOURS),
    }


def _about(request: PageRequest) -> dict[str, Any]:
    return {"revision": request.whole("revision"), "author": request.author}


def _name(request: PageRequest, field: str, default: str = "") -> str:
    name = request.text(field, default).strip()
    if len(name) > MAX_NAME_CHARACTERS:
        raise SettingError(f"A name has at most {MAX_NAME_CHARACTERS} characters, got {len(name)}.")
    return name


def _kind(request: PageRequest) -> BehaviourKind:
    kinds: dict[str, BehaviourKind] = {"state": "state", "point": "point"}
    kind = request.text("kind", "state")
    if kind not in kinds:
        raise MalformedRequestError(f"kind must be state or point, got {kind[:60]!r}")
    return kinds[kind]


def _description(request: PageRequest) -> str:
    text = request.text("description").strip()
    if len(text) > MAX_DESCRIPTION_CHARACTERS:
        raise SettingError(
            f"A description has at most {MAX_DESCRIPTION_CHARACTERS} characters, got {len(text)}."
        )
    return text


def _counted(num_bouts: int) -> str:
    return f"{num_bouts} bout{'' if num_bouts == 1 else 's'}"
