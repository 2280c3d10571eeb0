"""`make bench`: our speed beside other people's. See benchmarks/README.md.

    python -m benchmarks.peers [--only training generation/S] [--quick] [--peer nanogpt=PATH]

The rows that were run are written into benchmarks/results/peers-MACHINE.json and .md; the others stay as they were.
"""

import argparse
import importlib
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.peers import table
from benchmarks.peers.harness import Result, Row, race, refuse_wrong, serve

MODULES = ("training", "generation", "tokenizing", "starting")


def module_of(row: str) -> ModuleType:
    """Where the contestants of a row are."""
    return importlib.import_module(f"benchmarks.peers.{row.split('/')[0]}")


def chosen_rows(only: Sequence[str], quick: bool) -> list[Row]:
    """All rows, or those whose name begins with one of the words; with quick the tiny one of each kind."""
    kinds = [module_of(name) for name in MODULES]
    rows = [kind.QUICK for kind in kinds] if quick else [row for kind in kinds for row in kind.ROWS]
    return [row for row in rows if not only or row.name.startswith(tuple(only))]


def run(row: Row, paths: dict[str, str], contestants: Sequence[str] = ()) -> dict[str, Any]:
    """Race one row; the table's entry for it."""

    def command(name: str) -> list[str]:
        python = paths.get(name.split(" ")[0], sys.executable)
        if not Path(python).is_file():  # a checkout, not an interpreter
            python = sys.executable
        task = json.dumps({"row": row.name, "name": name, "work": row.work, "paths": paths})
        return [python, "-W", "ignore", "-m", "benchmarks.peers", "--serve", task]

    if contestants:
        row = table.narrowed(row, contestants)
    import torch  # not above: the contestants' processes pass through this file, too

    if row.work.get("device") == "cuda" and not torch.cuda.is_available():
        return table.entry(row, {name: Result("unmeasured: no CUDA GPU here") for name in row.contestants})
    results = race(row, command)
    refuse_wrong(row, results, module_of(row.name).differs)
    return table.entry(row, results)


def main(words: Sequence[str] | None = None) -> int:
    """Run the chosen rows, print each, and keep them; 2 and a sentence when the words make no sense."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", help="beginnings of rows' names")
    parser.add_argument(
        "--contestants",
        nargs="+",
        default=[],
        metavar="NAME",
        help="only these, the first row's reference added",
    )
    parser.add_argument("--quick", action="store_true", help="tiny rows, to see that everything works")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=PATH", help="a checkout, or a Python that has it"
    )
    parser.add_argument("--results", type=Path, default=table.RESULTS, help="folder for the tables")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.serve:
        task = json.loads(options.serve)
        serve(lambda: module_of(task["row"]).build(task["name"], task["work"], task["paths"]))
        return 0
    if any("=" not in peer for peer in options.peer):
        parser.error("--peer takes NAME=PATH")
    rows = chosen_rows(options.only, options.quick)
    if not rows:
        parser.error(f"no row begins with {' or '.join(options.only)}")
    paths = dict(peer.split("=", 1) for peer in options.peer)
    given = [*(sys.argv[1:] if words is None else words)]
    for peer in options.peer:  # where somebody keeps a peer is nobody else's business
        named = f"{peer.split('=')[0]}=PATH"
        given = [word.removesuffix(peer) + named if word.endswith(peer) else word for word in given]
    said = "python -m benchmarks.peers " + shlex.join(given)
    for row in rows:
        found = run(row, paths, options.contestants) | {"command": said}
        print(table.section(row.name, found), flush=True)
        table.keep(options.results, row.name, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
