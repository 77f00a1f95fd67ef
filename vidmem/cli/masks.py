"""`vidmem mask`: a mask of yours looked over for the usual mistakes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidmem.cli.terminal import new_console, note
from vidmem.errors import SettingError, StorageError
from vidmem.plain import to_json

if TYPE_CHECKING:
    pass

HAS_MISTAKES = 1
"""Exit code where something is wrong, so that a check can be a step of a build."""

SOURCE_HELP = (
    "FILE.py:NAME, a mask_mod or a BlockMask or a function NAME() that makes one; or a saved mask: "
    ".npy, .pt or .safetensors."
)


def mask(
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    q: Annotated[int | None, typer.Option("--q", min=1, help="Queries.")] = None,
    kv: Annotated[int | None, typer.Option("--kv", min=1, help="Keys. Default: as many.")] = None,
    heads: Annotated[int, typer.Option(min=1, help="Heads that may differ.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Batch rows that may differ.")] = 1,
    causal: Annotated[
        bool, typer.Option("--causal", help="Meant: no query sees a later key.")
    ] = False,
    back: Annotated[
        int | None, typer.Option(min=0, help="Meant: keys before its own that a query sees.")
    ] = None,
    ahead: Annotated[
        int | None, typer.Option(min=0, help="Meant: keys after its own that a query sees.")
    ] = None,
    documents: Annotated[
        str | None, typer.Option(help="Meant: documents of so many keys, such as 100,56,100.")
    ] = None,
    prefix: Annotated[int, typer.Option(min=0, help="Meant: the first keys, seen by all.")] = 0,
    sinks: Annotated[
        int, typer.Option(min=0, help="Meant: the first keys, seen by all that come later.")
    ] = 0,
    padding: Annotated[int, typer.Option(min=0, help="Meant: the last keys are padding.")] = 0,
    keys_per_query: Annotated[
        int | None, typer.Option(min=1, help="Meant: keys that every query sees.")
    ] = None,
    symmetric: Annotated[
        bool, typer.Option("--symmetric", help="Meant: who is seen sees.")
    ] = False,
    alike: Annotated[
        bool, typer.Option("--alike", help="Meant: all heads and batch rows see the same.")
    ] = False,
    first_query: Annotated[
        int | None, typer.Option(help="The key that stands where query 0 does.")
    ] = None,
    score: Annotated[
        str | None, typer.Option(help="FILE.py:NAME, a score_mod that is used beside it.")
    ] = None,
    diff: Annotated[
        str | None, typer.Option(help="Another mask, to say where the two disagree.")
    ] = None,
    block: Annotated[
        int | None, typer.Option(min=1, help="Tokens a side of a block. Default: its own, or 128.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A page with the figures to write, .html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Findings for a program.")] = False,
) -> None:
    """Look a mask over: rows that see nothing, leaks, windows off by one, blocks that disagree.

    FILE.py is run, as Python runs it. Ends with 1 if there is a mistake.
    """
    from vidmem.inspection import MaskIntent, check_mask, diff_masks

    one = _load(source)
    shape = _shape(q, kv, heads, batch)
    num_keys = kv or q or getattr(one, "shape", (0,))[-1]
    intent = MaskIntent(
        causal=causal,
        window=_window(back, ahead, causal=causal, num_keys=num_keys),
        documents=_documents(documents),
        prefix=prefix,
        sinks=sinks,
        padding=_padding(padding, num_keys),
        keys_per_query=keys_per_query,
        symmetric=symmetric,
        heads_alike=True if alike else None,
        batch_alike=True if alike else None,
        first_query=first_query,
    )
    score_mod = None if score is None else _load(score)
    report = check_mask(one, shape, intent=intent, score_mod=score_mod, block_tokens=block)
    other = None
    if diff is not None:
        other = diff_masks(one, _load(diff), shape, names=(source, diff))
    if as_json:
        data = report.as_data() | ({"diff": other.as_data()} if other is not None else {})
        print(to_json(data))
    else:
        console = new_console()
        for text in (report, other):
            if text is not None:
                console.print(str(text), markup=False)
    if out is not None:
        from vidmem.figures import mask_page

        _write(out, mask_page(report, other))
    if report.mistakes:
        raise typer.Exit(HAS_MISTAKES)


def _shape(
    q: int | None, kv: int | None, heads: int, batch: int
) -> tuple[int, int, int, int] | None:
    if q is None:
        if kv is not None or heads > 1 or batch > 1:
            raise SettingError("--kv, --heads and --batch need --q, the number of queries")
        return None
    return batch, heads, q, kv or q


def _window(
    back: int | None, ahead: int | None, *, causal: bool, num_keys: int
) -> tuple[int, int] | None:
    """Where one side is left out, it has no edge; but under `--causal` there is none ahead."""
    if back is None and ahead is None:
        return None
    endless = max(num_keys - 1, 0)
    open_ahead = 0 if causal else endless
    return endless if back is None else back, open_ahead if ahead is None else ahead


def _documents(lengths: str | None) -> list[int] | None:
    if lengths is None:
        return None
    try:
        counts = [int(length) for length in lengths.split(",")]
    except ValueError as error:
        raise SettingError(f"--documents must be lengths like 100,56,100, got {lengths}") from error
    if min(counts) < 1:
        raise SettingError(f"each of --documents must be at least 1, got {lengths}")
    return [number for number, count in enumerate(counts) for _ in range(count)]


def _padding(count: int, num_keys: int) -> list[bool] | None:
    if not count:
        return None
    if count > num_keys:
        raise SettingError(f"--padding must be at most the {num_keys} keys, got {count}")
    return [key >= num_keys - count for key in range(num_keys)]


def _load(source: str) -> Any:
    """A saved mask, or what a Python file has under a name; the file is run."""
    from vidmem.inspection import read_mask

    path, colon, name = source.rpartition(":")
    if not colon or not path.endswith(".py"):
        if source.endswith(".py"):
            raise SettingError(f"{source} needs a name behind it: {source}:my_mask")
        return read_mask(source)
    module = _run(Path(path))
    wanted = name.removesuffix("()")
    if not hasattr(module, wanted):
        names = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise SettingError(f"{path} has no {wanted}; it has {', '.join(names[:10]) or 'nothing'}")
    value = getattr(module, wanted)
    return value() if name.endswith("()") else value


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise SettingError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"vidmem_mask_{path.stem}", path.resolve())
    assert spec is not None, "a path that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    sys.path.insert(0, str(path.resolve().parent))  # it may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's own file raises
        raise SettingError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def _write(out: Path, page: str) -> None:
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out} could not be written: {error.strerror}") from error
    note(f"wrote {out}")
