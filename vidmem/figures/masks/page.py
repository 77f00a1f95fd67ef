"""What was found in a mask as a page of its own, to be opened without a network."""

from __future__ import annotations

from html import escape

from vidmem.figures.masks.blocks import block_mask_figure
from vidmem.figures.masks.pairs import mask_figure
from vidmem.figures.theme import ThemeName, theme_of
from vidmem.inspection import MaskDiff, MaskFinding, MaskReport

WIDTH, HEIGHT = 640, 680


def mask_page(
    report: MaskReport, diff: MaskDiff | None = None, *, theme: ThemeName = "light"
) -> str:
    """A page of HTML: the summary, the findings, the mask pair by pair and block by block.

    Args:
        report: From `vidmem.inspection.check_mask`.
        diff: From `vidmem.inspection.diff_masks`, drawn under it.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    first = next((f for f in report.mistakes if f.pair is not None), None)
    drawn = []
    if report.allowed is not None:
        head, row = (first.head, first.batch_row) if first is not None else (0, 0)
        view = report.view(head=head, batch_row=row)
        picked = first.pair if first is not None else None
        drawn += [
            mask_figure(view, picked=picked, theme=theme),
            block_mask_figure(view, theme=theme),
        ]
    if diff is not None:
        drawn.append(mask_figure(diff.view(block_tokens=report.block_tokens), theme=theme))
    figures = [
        # The first brings Plotly's script, so that the page needs nothing from elsewhere.
        figure.update_layout(width=WIDTH, height=HEIGHT).to_html(
            full_html=False, include_plotlyjs=number == 0
        )
        for number, figure in enumerate(drawn)
    ]
    found = "".join(map(_item, report.findings)) or "<li>Nothing is wrong with it.</li>"
    said = f"<pre>{escape(str(diff))}</pre>" if diff is not None else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(report.name)}</title>'
        f"<style>body{{font:15px system-ui,sans-serif;margin:24px;max-width:1320px;"
        f"background:{colours.card};color:{colours.ink}}}figure{{display:inline-block;margin:8px}}"
        f"code{{font-size:13px}}li{{margin:6px 0}}</style><h1>{escape(report.name)}</h1>"
        f"<p>{escape(report.summary)}</p><ul>{found}</ul>"
        + "".join(f"<figure>{figure}</figure>" for figure in figures)
        + said
    )


def _item(finding: MaskFinding) -> str:
    mark = "Mistake" if finding.is_mistake else "Note"
    line = f"<br><code>{escape(finding.line)}</code>" if finding.line else ""
    return f"<li><b>{mark}, {escape(finding.kind)}:</b> {escape(finding.words)}{line}</li>"
