"""Commands about this machine: `vidmem app` starts the app, `vidmem doctor` looks around."""

from __future__ import annotations

import importlib
import importlib.util

import typer
from rich.markup import escape

from vidmem.cli.terminal import new_console
from vidmem.errors import MissingPackageError

MARKS = {"ok": "[green]ok     [/]", "optional": "[yellow]without[/]", "missing": "[red]MISSING[/]"}


def app(context: typer.Context) -> None:
    """Open the app in a browser: `vidmem app --help` lists its options."""
    if importlib.util.find_spec("gradio") is None or importlib.util.find_spec("app") is None:
        raise MissingPackageError(
            "the app is not installed; install it with: pip install 'vidmem[app]', or in a clone: "
            "pip install -e '.[app]'"
        )
    # By name: vidmem knows nothing of the app, it only starts it.
    raise typer.Exit(importlib.import_module("app.__main__").main(context.args))


def doctor() -> None:
    """Say what is installed, what runs where, what is missing and how to get it."""
    from vidmem.doctor import examine, is_healthy

    console = new_console()
    findings = examine()
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            console.print(f"[bold]{topic}[/]")
        console.print(f"  {MARKS[finding.condition]} {escape(finding.text)}")
        if finding.remedy:
            console.print(f"          {finding.remedy}", markup=False)
    if not is_healthy(findings):
        console.print("something that is needed is missing: see MISSING above")
        raise typer.Exit(1)
