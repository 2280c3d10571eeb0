"""Results as files: JSON for programs, Markdown for people, one pair for each machine. Rows are kept one by one."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.peers.harness import Result, Row, ratios, spread, to_json
from slmlib.files import read_json, write_json, write_text

RESULTS = Path(__file__).resolve().parent.parent / "results"
HEADER = """# Speed beside others, on {machine}

Written by `make bench`; [benchmarks/README.md](../README.md) says how to read it. A ratio above 1 means that ours,
named above the column, is faster. Numbers are medians of turns taken in alternation, with the smallest and largest.

"""


def machine() -> str:
    """Processor, threads and GPU, for people."""
    from slmlib.devices import choose_device

    name = choose_device("cpu").name.rpartition(",")[0]
    name = f"{name}, {os.cpu_count()} CPUs"
    import torch

    return f"{torch.cuda.get_device_name()}, {name}" if torch.cuda.is_available() else name


def narrowed(row: Row, contestants: Sequence[str]) -> Row:
    """The row with these contestants only, and the first, which the others are compared with."""
    kept = tuple(name for name in row.contestants if name in {*contestants, row.contestants[0]})
    return replace(row, contestants=kept)


def entry(row: Row, results: dict[str, Result]) -> dict[str, Any]:
    """What is kept of a row."""
    plain = to_json(results)
    champions = [name for name in row.ours or row.contestants[:1] if name in results]
    for name, result in results.items():
        plain[name]["ratios"] = {
            ours: ratios(row, results[ours], result)
            for ours in champions
            if result.measured and results[ours].measured and ours != name
        }
    return {
        "title": row.title,
        "unit": row.unit,
        "ours": champions,
        "day": date.today().isoformat(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "contestants": plain,
    }


def section(name: str, found: dict[str, Any]) -> str:
    """One row as a table of its contestants."""
    shown = found["contestants"]
    champions = [name for name in found["ours"] if any(name in one["ratios"] for one in shown.values())]
    load = "" if found["load"] is None else f", load {found['load']}"
    lines = [
        f"## {name}: {found['title']}",
        "",
        f"`{found['command']}`, {found['day']}, Python {found['python']}{load}. Versions: {_versions(found)}.",
        "",
        f"| | {found['unit']} |{''.join(f' {ours} against it |' for ours in champions)} outcome | peak MB | precision |",
        f"|---|---:|{'---:|' * len(champions)}---:|---:|---|",
    ]
    for contestant, result in shown.items():
        if result["status"] != "measured":
            lines.append(f"| {contestant} | {result['status']} |{' |' * (len(champions) + 3)}")
            continue
        form = ",.0f" if min(result["values"]) >= 100 else ".2f"
        cells = [
            spread(result["ratios"][ours], ".2f") if ours in result["ratios"] else "" for ours in champions
        ]
        ratio = "".join(f" {cell} |" for cell in cells)
        lines.append(
            f"| {contestant} | {spread(result['values'], form)} |{ratio} {_outcome(result['outcome'])} "
            f"| {result['peak_megabytes']:,.0f} | {result['precision']} |"
        )
    return "\n".join(lines) + "\n"


def keep(folder: Path, name: str, found: dict[str, Any]) -> None:
    """Put this row into the files of this machine, beside those that are there."""
    slug = re.sub(r"[^a-z0-9]+", "-", machine().lower()).strip("-")
    path = folder / f"peers-{slug}.json"
    rows = (read_json(path)["rows"] if path.exists() else {}) | {name: found}
    write_json(path, {"machine": machine(), "rows": dict(sorted(rows.items()))})
    sections = [section(row, rows[row]) for row in sorted(rows)]
    write_text(path.with_suffix(".md"), "\n".join([HEADER.format(machine=machine()), *sections]))


def _versions(found: dict[str, Any]) -> str:
    versions: dict[str, str] = {}
    for result in found["contestants"].values():
        versions |= result["versions"]
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) or "none"


def _outcome(outcome: Any) -> str:
    if isinstance(outcome, dict):
        return f"{outcome['bytes_per_token']:.2f} bytes a token" if outcome["bytes_per_token"] else "equal"
    return f"loss {outcome:.4f}" if isinstance(outcome, float) else (outcome or "")
