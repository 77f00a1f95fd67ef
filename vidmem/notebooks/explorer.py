"""A figure under sliders: drawn anew whenever one of them is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from vidmem.errors import SettingError, VidmemError
from vidmem.figures.theme import graph_objects
from vidmem.notebooks.widget_package import widgets

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"
STILL = "A figure with {names} to move stands here where widgets run, as in JupyterLab."


class Explorer:
    """Controls, and a figure that follows them; a notebook shows it as a widget.

    Where widgets do not run, such as in exported HTML, a sentence stands in its place: so draw one
    or two of its figures beside it.
    """

    def __init__(
        self,
        draw: Callable[..., Figure],
        choices: Mapping[str, Sequence[Any]],
        start: Mapping[str, Any],
    ) -> None:
        self._draw = draw
        self.controls: dict[str, Any] = {
            name: _control(name, list(options), start.get(name))
            for name, options in choices.items()
        }
        self.figure: Any = graph_objects().FigureWidget(draw(**self.values))
        self.message: Any = widgets().HTML()
        self.box: Any = widgets().VBox([*self.controls.values(), self.figure, self.message])
        for control in self.controls.values():
            control.observe(self._redraw, names="value")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls stand at."""
        return {name: control.value for name, control in self.controls.items()}

    def _redraw(self, _: object = None) -> None:
        try:
            figure = self._draw(**self.values)
        except (VidmemError, ValueError) as error:
            # What is raised while a slider is moved would end in a log that nobody sees.
            self.message.value = escape(str(error))
            return
        self.message.value = ""
        self.figure.update(figure.to_plotly_json(), overwrite=True)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        names = ", ".join(self.controls)
        shown = self.box._repr_mimebundle_()
        still = f"<p><em>{escape(STILL.format(names=names))}</em></p>"
        return {"text/plain": f"Explorer({names})", "text/html": still, WIDGET: shown[WIDGET]}


def explore(
    draw: Callable[..., Figure],
    *,
    start: Mapping[str, Any] | None = None,
    **choices: Sequence[Any],
) -> Explorer:
    """Put sliders over a figure.

    Args:
        draw: Called with a value for each name, gives the figure; quick, since it is called while
            a slider moves. What it raises as a `VidmemError` or `ValueError` is shown under the
            figure.
        start: Where controls stand at first, by name; where nothing is given, at their first value.
        **choices: For each parameter of `draw` its values: a slider for numbers, a list for text.

    Raises:
        SettingError: If a parameter has no values, or does not start at one of them.
        MissingPackageError: If Plotly, ipywidgets or anywidget is not installed.
    """
    return Explorer(draw, choices, start or {})


def _control(name: str, options: list[Any], start: Any) -> Any:
    start = options[0] if options and start is None else start
    if start not in options:
        shown = ", ".join(map(str, options)) or "nothing"
        raise SettingError(f"{name} must start at one of its values ({shown}), got {start!r}")
    is_text = any(isinstance(one, str) for one in options)
    kind = widgets().Dropdown if is_text else widgets().SelectionSlider
    return kind(
        options=options,
        value=start,
        description=name,
        style={"description_width": "initial"},
        layout={"width": "min(100%, 30rem)"},
    )
