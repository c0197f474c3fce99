"""A user's module as it comes: in a package, printing, reading a command line, ending a program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.cost.user_function import load_function, name_of_function

MAKE = "def make(m): return None\n"
FILES = {
    "half_a_repo/__init__.py": "print('hello')\n",
    "half_a_repo/blocks.py": MAKE,
    "half_a_repo/sub/__init__.py": "",
    "half_a_repo/sub/net.py": "from ..blocks import make\n",
    "lone_relative.py": "from .blocks import make\n",
    "reads_options.py": "import argparse\np = argparse.ArgumentParser()\n"
    f"p.add_argument('--lr', default=1)\nLR = p.parse_args().lr\n{MAKE}",
    "wants_options.py": "import argparse\np = argparse.ArgumentParser()\n"
    "p.add_argument('--lr', required=True)\np.parse_args()\n",
    "needs_a_library.py": f"import no_such_library.layers\n{MAKE}",
    "guarded.py": f"{MAKE}if __name__ == '__main__':\n    raise SystemExit(1)\n",
}


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["scaling-search", "run", "study.toml", "--function", "a:b"])
    before = {*sys.modules}
    yield
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    "named", ["half_a_repo.sub.net:make", "reads_options:make", "guarded:make"]
)
def test_a_module_of_the_working_directory_is_imported_as_a_repository_has_it(
    named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(load_function(named))
    assert sys.argv[1] == "run"
    assert capsys.readouterr().out == ""  # it is for results, such as --json


@pytest.mark.parametrize(
    ("named", "mend"),
    [
        ("lone_relative:make", "name it with its package, as in package.lone_relative:function"),
        ("half_a_repo/sub/net.py:make", "separate packages by dots, as in half_a_repo.sub.net:fun"),
        ("no_such:make", "run from the folder that holds it, or add that to PYTHONPATH"),
        ("needs_a_library:make", "install no_such_library, which it imports"),
        ("wants_options:make", 'below if __name__ == "__main__":'),
    ],
)
def test_what_cant_be_imported_says_the_way_out_that_fits(named: str, mend: str) -> None:
    with pytest.raises(UserError) as refused:
        load_function(named)
    assert mend in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_function_is_named_by_where_every_process_finds_it() -> None:
    make = load_function("half_a_repo.sub.net:make")
    assert name_of_function(make) == "half_a_repo.blocks:make"
    for unnamed in (lambda multipliers: make(multipliers), partial(make)):
        with pytest.raises(UserError, match=r"write it as a function \(def\) outside of others"):
            name_of_function(unnamed)
