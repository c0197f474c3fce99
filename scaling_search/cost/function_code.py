"""What tells a user's function from an edited one: the code of every module of theirs it rests on.

The modules are found by reading, not by running: that which names the function, that in which it is
written, those of the classes of the network which it builds, and what these import, anywhere in
their text, as long as it is the user's own. Python's library and installed packages are not
followed; of an installed class its own module's text counts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import Any

from torch import nn

from scaling_search.core.hashing import digest
from scaling_search.cost.module_files import ModuleFile, is_foreign_library, module_file
from scaling_search.cost.session_code import SESSION, SessionCode, session_code


@dataclass(frozen=True)
class FunctionCode:
    """The digest of all code that a network rests on, whose it is, and what can't be known of it.

    `readers` are modules that read files, settings or code which they don't import, or names of a
    session's objects that have a state: a change of those is not seen.
    """

    digest: str
    modules: tuple[str, ...]
    readers: tuple[str, ...]

    @property
    def words(self) -> str:
        """A line for the user: what an edit of which makes other networks, and what does not."""
        shown = ", ".join(self.modules[:5]) + (", …" if len(self.modules) > 5 else "")
        count = len(self.modules)
        line = f"its results are told apart by the code of {count} modules: {shown}"
        if count == 1:
            line = f"its results are told apart by the code of {shown}"
        if self.readers:
            some = ", ".join(self.readers[:5]) + (", …" if len(self.readers) > 5 else "")
            line += (
                f"; what {some} may read from elsewhere (files, settings) can't be known: choose "
                "another --out after a change of that"
            )
        return line


def code_of(function: Callable[..., Any], network: nn.Module, named_in: str = "") -> FunctionCode:
    """The code that a function, and the network that it built, rest on.

    `named_in` is the module under which the user knows the function; it may be written, or be
    wrapped, elsewhere. Raises UserError for a module that has been edited since this process
    imported it.
    """
    session = SessionCode()
    homes = {_owner(function), named_in} - {""}
    if SESSION in homes:
        session = session_code(function)
    classes = {base for part in network.modules() for base in type(part).__mro__}
    of_session = [each for each in classes if SESSION in homes and each.__module__ == SESSION]
    for each in sorted(of_session, key=lambda each: each.__qualname__):
        session.add(each.__qualname__, each)
    owners = {*homes, *(each.__module__ for each in classes), *session.modules} - {SESSION}
    files = list(_followed(owners, {home.partition(".")[0] for home in homes}))
    for file in files:
        file.check_loaded()
    texts = {file.name: file.text for file in files}
    texts |= {f"{SESSION}.{name}": text for name, text in session.texts.items()}
    readers = {*(file.name for file in files if file.reads), *session.unknown}
    modules = {*(file.name for file in files), *([SESSION] if session.texts else [])}
    return FunctionCode(digest(texts), tuple(sorted(modules)), tuple(sorted(readers)))


def _owner(function: Callable[..., Any]) -> str:
    """The module in which a function is written, under whatever wraps it."""
    while isinstance(function, partial | MethodType):
        function = function.func if isinstance(function, partial) else function.__func__
    function = inspect.unwrap(function)
    owner: str = getattr(function, "__module__", None) or type(function).__module__
    return owner


def _followed(owners: Iterable[str], homes: Collection[str]) -> Iterator[ModuleFile]:
    """The file of each module that counts, by following imports from these on."""
    left = [name for name in owners if not is_foreign_library(name)]
    seen = set(left)
    while left:
        file = module_file(left.pop())
        if file is None:
            continue
        is_own = not file.installed or file.name.partition(".")[0] in homes
        if is_own or file.name in owners:
            yield file
        new = {*file.imports, *file.parents} - seen if is_own else set()
        seen |= new
        left += [name for name in new if not is_foreign_library(name)]
