"""Python's modules as files: where one lies, what it imports, whether it is as it was imported."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import os
import site
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

from scaling_search.core.errors import UserError

LIBRARIES = frozenset({"torch", "torchvision", "numpy", "scaling_search"})
READING_CALLS = frozenset(
    {
        *("open", "exec", "eval", "__import__", "import_module", "getenv", "environ"),
        *("read_text", "read_bytes", "load", "safe_load", "full_load", "load_state_dict_from_url"),
        *("load_file", "load_model", "from_pretrained", "loadtxt", "genfromtxt", "fromfile"),
        *("read_csv", "read_json", "walk_packages", "iter_modules", "entry_points"),
        *("spec_from_file_location", "run_path", "run_module"),
    }
)
"""Names in code that takes something from elsewhere."""

IMPORTERS = ("__import__", "import_module")

ModuleStamp = tuple[int, int, int, int]


@dataclass(frozen=True)
class ModuleFile:
    """A module's text, the modules that it names in imports, and those it lies in.

    `installed`: it lies where packages are installed. `reads`: it names a function that takes
    something from elsewhere.
    """

    name: str
    path: Path
    text: str
    imports: frozenset[str]
    installed: bool
    reads: bool

    @property
    def parents(self) -> Iterator[str]:
        """The packages whose `__init__` runs before it."""
        return _prefixes(self.name.rpartition(".")[0])

    def check_loaded(self) -> None:
        """Raise UserError where this process runs an older text of the module."""
        module = sys.modules.get(self.name)
        spec = getattr(module, "__spec__", None)
        if not isinstance(spec, ModuleSpec):
            return
        before = _imported.get(self.name)
        if before is None or before[0] is not spec:  # a reload makes a new specification
            before = _imported[self.name] = (spec, self.text)
        if before[1] != self.text or _cached_is_older(spec, self.path):
            raise UserError(
                f"the code that runs must be the code that is there, got {self.path}, which was "
                "edited after its import: start this process again (a notebook: restart the kernel)"
            )


_imported: dict[str, tuple[ModuleSpec, str]] = {}


def is_foreign_library(name: str) -> bool:
    """Whether a module is Python's own, or of a library whose version the environment tells."""
    top = name.partition(".")[0]
    return top in LIBRARIES or (top in sys.stdlib_module_names and not _shadows(top))


def module_file(name: str) -> ModuleFile | None:
    """The file of a module, found without running it; None where there is none to be read."""
    spec = _spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    path = Path(spec.origin)
    try:
        status = path.stat()
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        return _module_file(name, package, path, state)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _module_file(name: str, package: str, path: Path, state: ModuleStamp) -> ModuleFile:
    del state  # in the key, so that nothing is remembered of a file that has changed
    content = path.read_bytes()
    text, tree = _parsed(content)
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = frozenset(_imports(tree, package))
    return ModuleFile(name, path, text, imports, _is_installed(path), bool(named & READING_CALLS))


def _parsed(content: bytes) -> tuple[str, ast.Module]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = io.IncrementalNewlineDecoder(None, translate=True).decode(content.decode(encoding))
        return text, ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # compiled, or not Python of this version
        return hashlib.sha256(content).hexdigest(), ast.Module([], [])


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            origin = _resolved(node.module or "", node.level, package)
            yield from _prefixes(origin)
            yield from (f"{origin}.{alias.name}" for alias in node.names if origin)
        elif isinstance(node, ast.Call) and node.args and _called(node) in IMPORTERS:
            first, *more = (getattr(word, "value", None) for word in node.args)
            if isinstance(first, str):
                level = len(first) - len(first.lstrip("."))
                start = more[0] if more and isinstance(more[0], str) else package
                yield from _prefixes(_resolved(first[level:], level, start))


def _resolved(name: str, level: int, package: str) -> str:
    """A name that began with so many dots, in a module of this package."""
    parts = package.split(".")
    above = parts[: len(parts) - level + 1] if level else []
    return ".".join(filter(None, (*above, name)))


def _called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _prefixes(name: str) -> Iterator[str]:
    """ "a", "a.b" and "a.b.c" of "a.b.c"."""
    parts = name.split(".") if name else []
    return (".".join(parts[: count + 1]) for count in range(len(parts)))


def _spec(name: str) -> ModuleSpec | None:
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    if isinstance(loaded, ModuleSpec):
        return loaded
    above, _, _ = name.rpartition(".")
    parent = _spec(above) if above else None
    if above and (parent is None or parent.submodule_search_locations is None):
        return None
    where = parent.submodule_search_locations if parent else None
    for finder in sys.meta_path:
        spec = finder.find_spec(name, where)  # looks for it, and runs nothing of it
        if spec is not None:
            return spec
    return None


def _is_installed(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _installed_folders())


@lru_cache(maxsize=1)
def _installed_folders() -> frozenset[str]:
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {sysconfig.get_path(kind) for kind in kinds}
    folders |= {*site.getsitepackages(), site.getusersitepackages()}
    return frozenset(folders | set(map(os.path.realpath, folders)))


def _shadows(top: str) -> bool:
    """Whether a module of the user's has the name of one of Python's, and is the one in use."""
    origin = getattr(getattr(sys.modules.get(top), "__spec__", None), "origin", None) or ""
    return origin.endswith(".py") and not _is_installed(Path(origin))


def _cached_is_older(spec: ModuleSpec, path: Path) -> bool:
    """Whether the bytecode that the import wrote is of another text than the file has now."""
    plain = isinstance(spec.loader, SourceFileLoader)
    if not plain or spec.cached is None or sys.dont_write_bytecode:
        return False
    try:
        head = Path(spec.cached).read_bytes()[:16]
        status = path.stat()
    except OSError:
        return False
    written_now = os.access(Path(spec.cached).parent, os.W_OK)
    if not written_now or head[:8] != importlib.util.MAGIC_NUMBER + bytes(4):
        return False
    now = (int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    return (int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:16], "little")) != now
