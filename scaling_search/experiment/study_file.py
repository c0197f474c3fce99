"""A study as TOML: read with its network, recipe and weights, and written."""

from __future__ import annotations

import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import TypeAdapter

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.law_phis import expanded_phis
from scaling_search.compare.rivals import (
    NamedConstants,
)
from scaling_search.core import toml_config
from scaling_search.core.errors import UserError
from scaling_search.experiment.comparison import Comparison
from scaling_search.experiment.network_file import is_file_name, network_named, read_network
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_paths import with_paths
from scaling_search.pretrained.initial import Init
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipe_growth import AtPhi
from scaling_search.training.recipes import expanded_recipe

_STUDIES = TypeAdapter(Study)


def to_toml(study: Study) -> str:
    """The study as TOML; what is None (a default that means "all" or "own") is left out.

    Examples:
        >>> from scaling_search import Study
        >>> from scaling_search.experiment.study_file import from_toml, to_toml
        >>> print(to_toml(Study("mine")).partition("[data]")[0].strip())
        name = "mine"
        description = ""
        base = "micro"
        fit_strides = false
        >>> from_toml(to_toml(Study("mine"))) == Study("mine")
        True
    """
    return tomli_w.dumps(_without_none(asdict(study)))


def from_toml(
    text: str, source: str = "study", *, function: str | None = None, folder: Path = Path()
) -> Study:
    """The study of a TOML text.

    `base = "mine.toml"` names a network file in `folder`: the study then holds its table itself.
    A relative `data.root`, and a file of weights, lie in `folder` too; `init.source` may be a name.
    `recipe = "paper"`, or `like = "paper"` in the recipe's table, stands for that recipe's fields,
    `compare.phis = "law"` for the sizes of a law.
    A file is data: a `base` that is a function is refused unless the caller asks for `function`,
    which takes its place. Raises UserError naming `source`, the line, the key and the rule.

    Examples:
        >>> from scaling_search import UserError
        >>> from scaling_search.experiment.study_file import from_toml
        >>> text = '''name = "mine"
        ... recipe = "modern"
        ... [budget]
        ... growth = 4.0'''
        >>> study = from_toml(text, "mine.toml")
        >>> study.budget.growth, study.recipe.schedule
        (4.0, 'one-cycle')
        >>> try:
        ...     from_toml(text.replace("growth", "grow"), "mine.toml")
        ... except UserError as error:
        ...     print(str(error).partition(": known")[0])
        mine.toml, line 4: unknown key 'budget.grow'
    """
    values = toml_config.parsed(text, source)
    base = values.get("base")
    if function is not None:
        values |= {"base": function, "network": None}
    elif isinstance(base, str) and is_file_name(base):
        network = read_network(folder / base)
        values |= {"base": network.name, "network": asdict(network)}
    if isinstance(init := values.get("init"), dict) and isinstance(init.get("source"), str):
        values["init"] = init | {"source": asdict(_source(init["source"], folder, source))}
    if isinstance(given := values.get("compare"), dict) and "phis" in given:
        values["compare"] = given | {"phis": expanded_phis(given["phis"], source)}
    if "recipe" in values:
        values["recipe"] = expanded_recipe(values["recipe"], source, base=values.get("base"))
    study = toml_config.validated(_STUDIES, values, text, source, _known)
    if study.is_function and function is None:
        raise UserError(
            f"{source}: a file's code is run only when the command line asks for it, "
            f"got base = {base!r}: add --function {base}"
        )
    return _rooted(study, folder)


def read_study(path: Path, *, function: str | None = None) -> Study:
    """The study of a TOML file, as `from_toml` reads it; raises UserError if it can't be read.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.experiment.study_file import read_study
        >>> read_study(Path("results/cifar10/study.toml")).data.name
        'imagefolder'
    """
    text = toml_config.read_text(path, "study")
    return from_toml(text, str(path), function=function, folder=path.parent)


def _rooted(study: Study, folder: Path) -> Study:
    """A study of a file in this folder, which its relative paths are relative to."""
    if folder == Path():
        return study
    # joined as text: a trailing / stays
    return with_paths(
        study,
        lambda path: path if path.startswith("~") else os.path.join(folder, path),  # noqa: PTH118
    )


def _source(name: str, folder: Path, study: str) -> Architecture:
    try:
        return network_named(str(folder / name) if is_file_name(name) else name)
    except UserError as error:
        raise UserError(f"{study}: init.source: {error}") from None


def _known(where: toml_config.Location) -> str:
    mine, rows = NamedConstants("mine", 1.2, 1.1, 1.15), (AtPhi(0.0, dropout=0.0),)
    compare = Comparison(rivals=(mine,), constants=Coefficients(1, 1, 1))
    recipe = Recipe(by_phi=rows)
    network, init = zoo.get("micro"), Init("lite", source=zoo.get("micro"))
    at: Any = replace(Study("any"), network=network, init=init, compare=compare, recipe=recipe)
    for part in where:  # the tag of a union is no attribute
        at = at[0] if isinstance(part, int) else getattr(at, str(part), at)
    return ", ".join(f.name for f in fields(at))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
