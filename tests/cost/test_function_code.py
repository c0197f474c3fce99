"""Whatever of a user's code changes, its networks are others; and nothing else changes them."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from scaling_search.arch.scaling import Multipliers
from scaling_search.core.errors import UserError
from scaling_search.cost.custom_network import CustomNetwork, custom_network
from scaling_search.cost.function_code import FunctionCode, code_of
from scaling_search.cost.session_values import plain_text

FILES = {
    "mynet.py": """
import json
from blocks import Block, WIDTH
from repo.heads import head
from repo import *
try:
    import extras
except ImportError:
    extras = None


def make(multipliers):
    import lazily
    from lazy import late
    kind = getattr(__import__("registry"), "find")("registered")
    body = nn.Sequential(Block(3, WIDTH), kind())
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head(WIDTH))


from torch import nn
""",
    "blocks.py": "from bases import Base\nWIDTH = 8\n\n\nclass Block(Base):\n    pass\n",
    "bases.py": "from torch import nn\n\n\nclass Base(nn.Conv2d):\n"
    "    def __init__(self, a, b):\n        super().__init__(a, b, 3, padding=1)\n",
    "repo/__init__.py": "from .version import *\n",
    "repo/version.py": "STRIDE = 1\n",
    "repo/heads/__init__.py": "from .. import constants\nfrom .linear import head\n",
    "repo/heads/linear.py": "from torch import nn\n\n\ndef head(width):\n"
    "    return nn.Linear(width, 10)\n",
    "repo/constants.py": "SCALE = 2\n",
    "repo/unused.py": "X = 1\n",
    "lazily.py": "A = 1\n",
    "lazy/__init__.py": "",
    "lazy/late.py": "B = 1\n",
    "registry.py": "import importlib\n\n\ndef find(name):\n"
    "    return importlib.import_module(name).Found\n",
    "registered.py": "from torch import nn\n\n\nclass Found(nn.ReLU):\n    pass\n",
    "unused.py": "Y = 1\n",
}
COUNTED = sorted(set(FILES) - {"repo/unused.py", "unused.py"})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A network that lies in many files."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    forget(tmp_path)


def forget(repository: Path) -> None:
    """Let the next import read all files again, as another process would."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(repository)):
            del sys.modules[name]
    importlib.invalidate_caches()


def found(repository: Path, function: str = "mynet:make") -> CustomNetwork:
    """The network as another process finds it."""
    forget(repository)
    return custom_network(function, resolution_px=16, in_channels=3, num_classes=10)


def edit(path: Path, old: str = "", new: str = "") -> None:
    """Another text, written a second later: bytecode knows a file by its second and its size."""
    before = path.stat().st_mtime
    text = path.read_text()
    path.write_text(text.replace(old, new) if old else f"{text}# edited\n")
    os.utime(path, (before + 2, before + 2))


@pytest.mark.parametrize("name", COUNTED)
def test_an_edit_of_any_of_its_files_makes_another_network(repository: Path, name: str) -> None:
    before = found(repository).fingerprint
    edit(repository / name)
    assert found(repository).fingerprint != before


@pytest.mark.parametrize("name", sorted(set(FILES) - set(COUNTED)))
def test_an_edit_of_another_file_changes_nothing(repository: Path, name: str) -> None:
    before = found(repository).fingerprint
    edit(repository / name)
    assert found(repository).fingerprint == before


def test_an_optional_module_that_appears_makes_another_network(repository: Path) -> None:
    before = found(repository).fingerprint
    (repository / "extras.py").write_text("")
    assert found(repository).fingerprint != before


def test_line_ends_and_a_byte_order_mark_change_nothing(repository: Path) -> None:
    before = found(repository).fingerprint
    for name in ("blocks.py", "mynet.py"):
        content = (repository / name).read_bytes()
        (repository / name).write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert found(repository).fingerprint == before


def test_where_the_code_lies_changes_nothing(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(repository).fingerprint
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in FILES:
        (moved / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).rename(moved / name)
    forget(repository)
    monkeypatch.syspath_prepend(moved)
    assert found(moved).fingerprint == before
    forget(moved)


def test_its_modules_are_named_and_those_that_read_from_elsewhere(repository: Path) -> None:
    code = found(repository).code
    modules = [name.removesuffix(".py").removesuffix("/__init__") for name in COUNTED]
    assert code.modules == tuple(sorted(name.replace("/", ".") for name in modules))
    assert code.readers == ("mynet", "registry")  # __import__, import_module
    assert code.words.startswith("its results are told apart by the code of 13 modules: bases, bl")
    assert "what mynet, registry may read from elsewhere" in code.words


def test_settings_in_a_file_that_change_its_modules_make_another_network(
    repository: Path,
) -> None:
    (repository / "mynet.py").write_text(
        "import json\nfrom pathlib import Path\nfrom torch import nn\n\n\n"
        "def make(multipliers):\n"
        "    read = json.loads((Path(__file__).parent / 'net.json').read_text())\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(read['slope']),\n"
        "        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))\n"
    )
    (repository / "net.json").write_text('{"slope": 0.1}')
    before = found(repository)
    (repository / "net.json").write_text('{"slope": 0.2}')
    after = found(repository)
    assert before.fingerprint != after.fingerprint
    assert after.code.readers == ("mynet",)


def test_code_edited_after_its_import_is_refused_until_it_is_reloaded(repository: Path) -> None:
    before = found(repository)
    edit(repository / "blocks.py", "WIDTH = 8", "WIDTH = 9")
    with pytest.raises(UserError, match=r"blocks\.py, which was edited after its import") as no:
        custom_network("mynet:make", resolution_px=16, in_channels=3, num_classes=10)
    assert "\n" not in str(no.value)
    importlib.reload(sys.modules["blocks"])
    importlib.reload(sys.modules["mynet"])
    after = custom_network("mynet:make", resolution_px=16, in_channels=3, num_classes=10)
    assert after.fingerprint != before.fingerprint


def test_code_edited_between_its_import_and_the_first_look_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    forget(repository)
    importlib.import_module("mynet")
    edit(repository / "blocks.py", "WIDTH = 8", "WIDTH = 9")
    with pytest.raises(UserError, match=r"blocks\.py, which was edited after its import"):
        custom_network("mynet:make", resolution_px=16, in_channels=3, num_classes=10)


def test_a_training_is_refused_when_the_code_is_no_longer_that_of_its_job(
    repository: Path,
) -> None:
    asked = found(repository)
    edit(repository / "repo" / "constants.py")
    forget(repository)  # as a worker that was started since
    with pytest.raises(UserError, match="must stay as it is while a run goes on"):
        asked.module()


NAMING = {
    "imported": "from blocks import make\n",
    "a partial": "from functools import partial\nimport blocks\n"
    "make = partial(blocks.build, width=8)\n",
    "decorated": "import blocks\nfrom decorators import same\nmake = same(blocks.make)\n",
    "a method": "import blocks\nmake = blocks.Maker().make\n",
    "a called object": "import blocks\nmake = blocks.Maker()\n",
    "asked of the module": "import importlib\n\n\ndef __getattr__(name):\n"
    "    return getattr(importlib.import_module('.blocks', 'rooms'), name)\n",
}
MADE = """from torch import nn


def build(multipliers, width=8):
    return nn.Sequential(nn.Conv2d(3, width, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, 10))


def make(multipliers):
    return build(multipliers)


class Maker:
    def make(self, multipliers):
        return build(multipliers)

    __call__ = make
"""
SAME = (
    "import functools\n\n\ndef same(function):\n    @functools.wraps(function)\n"
    "    def inner(*words):\n        return function(*words)\n    return inner\n"
)


@pytest.mark.parametrize("how", NAMING)
def test_the_module_that_names_a_function_counts_wherever_it_is_written(
    repository: Path, how: str
) -> None:
    (repository / "mynet.py").write_text(NAMING[how])
    (repository / "blocks.py").write_text(MADE)
    (repository / "decorators.py").write_text(SAME)
    (repository / "rooms").mkdir()  # a namespace: no __init__.py
    (repository / "rooms" / "blocks.py").write_text(MADE)
    before = found(repository)
    others = {"decorated": ("decorators",)}.get(how, ())
    where = "rooms.blocks" if how == "asked of the module" else "blocks"
    assert before.code.modules == tuple(sorted((where, "mynet", *others)))
    edited = {before.fingerprint}
    for name in before.code.modules:
        edit(repository / f"{name.replace('.', '/')}.py")
        edited.add(found(repository).fingerprint)
    assert len(edited) == 1 + len(before.code.modules)


def test_a_network_in_one_module_rests_on_that_alone(repository: Path) -> None:
    (repository / "single.py").write_text(
        "from torch import nn\n\n\ndef make(multipliers):\n"
        "    return nn.Sequential(nn.Conv2d(3, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
    )
    code = found(repository, "single:make").code
    assert (code.modules, code.readers) == (("single",), ())
    assert code.words == "its results are told apart by the code of single"


SESSION = """
import math
from torch import nn
import blocks

WIDTH = 8
RATES = {"drop": 0.1}
STUDY = "not of the network"


class Own(nn.Module):
    scale = 2

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, width(), 3)

    def forward(self, x):
        return self.body(x) * self.scale


def width():
    return int(WIDTH * math.sqrt(1))


def make(multipliers):
    return nn.Sequential(Own(), nn.Dropout(RATES["drop"]))


def run():
    return STUDY
"""


def session(text: str) -> FunctionCode:
    """The code of `make` in a session in which this was typed."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(text, space)
    return code_of(space["make"], space["make"](Multipliers()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH = 8", "WIDTH = 9"),
        ('{"drop": 0.1}', '{"drop": 0.2}'),
        ("scale = 2", "scale = 3"),
        ("nn.Conv2d(3, width(), 3)", "nn.Conv2d(3, width(), 5)"),
        ("math.sqrt(1)", "math.cos(0)"),
        ("* self.scale", "+ self.scale"),
        ("Own(), nn.Dropout", "Own(), nn.Dropout2d"),
    ],
)
def test_what_a_function_of_a_session_names_makes_another_network(
    repository: Path, old: str, new: str
) -> None:
    before = session(SESSION)
    assert before == session(SESSION)
    assert session(SESSION.replace(old, new)).digest != before.digest


@pytest.mark.parametrize(
    ("old", "new"), [('"not of the network"', '"another"'), ("return STUDY", "return STUDY, 1")]
)
def test_the_rest_of_a_session_changes_nothing(repository: Path, old: str, new: str) -> None:
    assert session(SESSION.replace(old, new)).digest == session(SESSION).digest


def test_modules_that_a_session_names_are_followed(repository: Path) -> None:
    text = SESSION.replace("Own(), nn", "Own(), blocks.Block(8, 8), nn")
    before = session(text)
    assert before.modules == ("__main__", "bases", "blocks")
    edit(repository / "bases.py")
    forget(repository)
    assert session(text).digest != before.digest


def test_an_object_with_a_state_is_said_to_be_unknown(repository: Path) -> None:
    text = SESSION.replace("RATES = {", "RATES = __import__('collections').UserDict(drop=0.1) or {")
    assert session(text).readers == ("RATES",)


def test_a_partial_counts_with_what_it_holds(repository: Path) -> None:
    def code(rate: float) -> FunctionCode:
        made = partial(lambda multipliers, rate: nn.Dropout(rate), rate=rate)
        return code_of(made, nn.Dropout(rate))

    assert code(0.1).modules == code(0.2).modules


OBJECTS = """
import dataclasses
import functools
from torch import nn
import decorators

KINDS = {"relu", "silu", "gelu", "mish"}


@dataclasses.dataclass
class Settings:
    width: int = 8

    @property
    def twice(self):
        return 2 * self.width


class Plus:
    def __get__(self, owner, kind):
        return 1


class Own(nn.Module):
    plus = Plus()

    class Inner:
        rate = 0.1

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, SETTINGS.twice, 3)

    @staticmethod
    def scale(x):
        return x * 2

    @classmethod
    def shifted(cls, x):
        return x + 1

    @functools.cached_property
    def power(self):
        return 3

    def forward(self, x):
        return self.body(x) ** self.power


def leaky(slope):
    def make():
        return nn.LeakyReLU(slope)
    return make


def twice(function):
    @functools.wraps(function)
    def inner(*words):
        return nn.Sequential(function(*words), nn.Dropout(0.5))
    return inner


@functools.lru_cache
def slope():
    return 0.3


class Maker:
    def __init__(self, rate):
        self.rate = rate

    @twice
    def make(self, multipliers):
        return nn.Sequential(Own(), first(), second(), nn.Dropout(self.rate + slope()))


SETTINGS = Settings(width=4)
first, second = leaky(0.01), decorators.named(leaky(0.02))
maker = Maker(0.1)
make = maker.make if KINDS else None
"""
PASSED_ON = "def named(function):\n    return lambda: function()\n"


def code_of_objects(text: str) -> FunctionCode:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(text, space)
    return code_of(space["make"], space["make"](Multipliers()), "__main__")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width=4", "width=5"),
        ("2 * self.width", "self.width + self.width"),
        ("return 1\n", "return 2\n"),
        ("rate = 0.1\n", "rate = 0.2\n"),
        ("x * 2", "x * 3"),
        ("x + 1", "x + 2"),
        ("return 3\n", "return 4\n"),
        ("leaky(0.01)", "leaky(0.05)"),
        ("leaky(0.02)", "leaky(0.05)"),
        ("nn.Dropout(0.5)", "nn.Dropout(0.6)"),
        ("return 0.3", "return 0.4"),
        ("Maker(0.1)", "Maker(0.2)"),
    ],
)
def test_what_the_objects_of_a_session_hold_and_do_makes_another_network(
    repository: Path, old: str, new: str
) -> None:
    (repository / "decorators.py").write_text(PASSED_ON)
    before = code_of_objects(OBJECTS)
    assert OBJECTS.count(old) == 1
    assert before == code_of_objects(OBJECTS)
    assert before.readers == ()
    assert "decorators" in before.modules
    assert code_of_objects(OBJECTS.replace(old, new)).digest != before.digest


def test_what_a_function_imported_into_a_session_is_given_counts(repository: Path) -> None:
    (repository / "blocks.py").write_text(MADE)

    def code(width: int) -> FunctionCode:
        return code_of_objects(
            "from functools import partial\nimport blocks\n"
            f"make = partial(blocks.build, width={width})\n"
        )

    assert code(8) == code(8)
    assert code(8).digest != code(9).digest
    assert code(8).modules == ("__main__", "blocks")


def test_a_function_of_a_session_that_reads_files_is_named() -> None:
    text = "import json\nfrom torch import nn\n\n\ndef make(multipliers):\n    {}\n"
    text += "    return nn.ReLU()\n"
    assert code_of_objects(text.format("json.loads('1')")).readers == ()
    assert code_of_objects(text.format("open")).readers == ("make",)


def test_a_set_is_the_same_text_in_every_order() -> None:
    words = {"relu", "silu", "gelu"}
    assert plain_text(words) == "{'gelu', 'relu', 'silu'}"
    assert plain_text({"a": (1, [2.0])}) == "{'a': (1, [2.0])}"
    assert plain_text((words,)) == "({'gelu', 'relu', 'silu'},)"
