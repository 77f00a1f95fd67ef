"""The optional packages of widgets, imported when the first widget is made."""

from __future__ import annotations

import importlib
from typing import Any

from vidmem.errors import MissingPackageError


def widgets() -> Any:
    """The module `ipywidgets`.

    Raises:
        MissingPackageError: If it is not installed, or what Plotly's widgets need besides.
    """
    try:
        importlib.import_module("anywidget")  # of Plotly's FigureWidget
        return importlib.import_module("ipywidgets")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"widgets need {error.name}; install it with: pip install 'vidmem[notebooks]', or in "
            "a clone: pip install -e '.[notebooks]'"
        ) from error
