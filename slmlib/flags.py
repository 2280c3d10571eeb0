"""From words to a command: flags, help and validation come out of dataclasses, by the library tyro.

Here stands what tyro does not do by itself: a sentence under a field is one paragraph, however its source breaks it;
the description fits the window; and whoever types another library's name for a setting learns ours.
"""

import ast
import inspect
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro
from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructFieldSpec, StructTypeInfo

from slmlib.config import ModelConfig, Sampling, TrainConfig
from slmlib.shell import near

GLOSSARY = Path(__file__).with_name("GLOSSARY.md")


def parse(commands: dict[str, Any], words: Sequence[str], program: str) -> Any:
    """The command that `words` describe: the first names it, the others change values of the one given here.

    commands: name -> dataclass with all its defaults. Help and mistakes are printed here, and end in SystemExit.
    """
    try:
        if words and words[0] in commands:
            return _parse(commands[words[0]], words[1:], f"{program} {words[0]}")
        return tyro.extras.subcommand_cli_from_dict(
            {name: type(command) for name, command in commands.items()}, args=words, prog=program
        )
    except SystemExit as end:
        if end.code:
            print("".join(f"{line}\n" for line in names_here(words)), end="", file=sys.stderr)
        raise


def _parse(command: Any, words: Sequence[str], program: str) -> Any:
    registry = ConstructorRegistry()
    registry.struct_rule(_fields_with_their_sentences)
    return tyro.cli(
        type(command),
        default=command,
        args=words,
        prog=program,
        description=_in_the_window(inspect.getdoc(command) or ""),
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.PositionalMetavarFromFieldName),
        registry=registry,
    )


def _in_the_window(text: str) -> str:
    """Paragraphs broken to the width of tyro's boxes. tyro joins lines again unless they begin with a space."""
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(" ".join(paragraph.split()), width, initial_indent=" ", subsequent_indent=" ")
        for paragraph in text.split("\n\n")
    )


def _fields_with_their_sentences(info: StructTypeInfo) -> StructConstructorSpec | None:
    """tyro's rule for a dataclass whose defaults are all known, with `sentences` as the help of its fields."""
    if not is_dataclass(info.type) or not isinstance(info.default, info.type):
        return None
    hints, help_of = get_type_hints(info.type, include_extras=True), sentences(info.type)
    found = []
    for field in fields(info.type):
        default = getattr(info.default, field.name)
        nothing = tyro.conf.arg(help_behavior_hint="(default: none)") if default == () else None
        kind: Any = Annotated[hints[field.name], nothing] if nothing else hints[field.name]
        found.append(StructFieldSpec(field.name, kind, default, help_of.get(field.name)))
    return StructConstructorSpec(info.type, tuple(found))


@cache
def sentences(kind: type) -> dict[str, str]:
    """What stands under each field of a dataclass and of those it inherits from, as one line each."""
    found = {}
    for base in reversed(kind.__mro__):
        if not is_dataclass(base):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in pairwise(definition.body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                match below:
                    case ast.Expr(ast.Constant(str(text))):
                        found[field.target.id] = " ".join(text.split())
    return found


def names_here(words: Sequence[str]) -> list[str]:
    """A sentence for each flag among `words` that other libraries have under another name."""
    flags = [
        word.removeprefix("--").partition("=")[0].replace("-", "_") for word in words if word[:2] == "--"
    ]
    others = other_names() if flags else {}
    return [
        f"--{flag.replace('_', '-')} is --{others[flag].replace('_', '-')} here: other names stand in {near(GLOSSARY)}."
        for flag in flags
        if flag in others
    ]


def other_names() -> dict[str, str]:
    """What GLOSSARY.md says that other libraries call a setting -> what it is called here."""
    kinds = (ModelConfig, TrainConfig, Sampling)
    settings = {field.name for kind in kinds for field in fields(kind)}
    found: dict[str, str] = {}
    for row in GLOSSARY.read_text(encoding="utf-8").splitlines():
        ours, *others = (re.findall(r"`(\w+)`", cell) for cell in row.strip("| ").split(" | "))
        if not (ours and ours[0] in settings):
            continue
        for name in chain.from_iterable(others):
            if name not in settings:
                found.setdefault(name, ours[0])
    return found
