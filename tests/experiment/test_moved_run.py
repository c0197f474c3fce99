"""A run directory, its study and its images, moved elsewhere and used from another folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.doctor.examine import examine
from scaling_search.doctor.finding import Finding
from scaling_search.experiment.comparison import Timing
from scaling_search.experiment.outcome import read_experiment, redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.single_network import alone
from scaling_search.experiment.study import with_function
from scaling_search.experiment.study_file import from_toml, read_study, to_toml
from scaling_search.experiment.trained_weights import trained_network
from scaling_search.training.recipe import Recipe
from tests.data.conftest import disc
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs, a study that names them, and its finished run."""
    project = tmp_path_factory.mktemp("finished") / "project"
    for split, count in (("train", 10), ("test", 2)):
        for name, base in (("cat", 20), ("dog", 120)):
            place = project / "photos" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                disc(base + 3 * number, (20, 16)).save(place / f"{number}.png")
    data, recipe = DataRequest("imagefolder", root="photos"), Recipe(batch_size=4, augment="none")
    study = alone(zoo.get("nano"), "moved", data, recipe, px=16, epochs=1)
    study = replace(study, timing=Timing(seconds=0))
    (project / "study.toml").write_text(to_toml(study))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.parent)
        read = read_study(Path("project", "study.toml"))
        assert read.data.root == "project/photos"
        run(read, Path("project", "my run"), device="cpu", workers=0)
    return project


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project in its place, to be moved; the working directory is another."""
    monkeypatch.chdir(tmp_path)
    yield finished
    for where, back in ((MOVED, finished), (ELSEWHERE, finished / "my run")):
        if (finished.parent / where).exists():
            (finished.parent / where).rename(back)


MOVED, ELSEWHERE = "moved", "elsewhere"


def of_root(findings: tuple[Finding, ...]) -> Finding:
    """What is said of the images' root."""
    (found,) = [f for f in findings if f.about == "data" and "root" in f.what]
    return found


def test_a_run_that_is_moved_is_examined_exported_and_reported(
    project: Path,
) -> None:
    assert read_experiment(project / "my run").study.data.root == str(project / "photos")
    elsewhere = (project / "my run").rename(project.parent / ELSEWHERE)
    module, card = trained_network(elsewhere, "base")
    assert card.classes == ("cat", "dog")
    assert not module.training
    assert of_root(examine(elsewhere)).state == "good"
    redraw(elsewhere)
    assert "--out elsewhere" in (elsewhere / "README.md").read_text()


def test_images_that_moved_too_are_named_and_nothing_is_trained_again(project: Path) -> None:
    moved = project.rename(project.with_name(MOVED))
    with pytest.raises(UserError, match="a path where nothing is"):
        describe(read_experiment(moved / "my run").study.data)
    missing = of_root(examine(moved / "my run"))
    assert missing.then.startswith("a run needs it: add --root")
    root = str(moved / "photos")
    assert of_root(examine(moved / "my run", root=root)).state == "good"
    trained_network(moved / "my run", "base", root=root)
    held = (moved / "my run" / "ledger.jsonl").read_bytes()
    run(read_study(moved / "study.toml"), moved / "my run", device="cpu", workers=0)
    assert (moved / "my run" / "ledger.jsonl").read_bytes() == held


def test_a_relative_root_lies_beside_the_study_file() -> None:
    text = 'name = "a"\n[data]\nname = "imagefolder"\nroot = '
    roots = {root: from_toml(f"{text}'{root}'", folder=Path("f")).data.root for root in ROOTS}
    assert roots == ROOTS


ROOTS = {"p": "f/p", "../p/": "f/../p/", "/p": "/p", "~/p": "~/p"}


def test_a_root_with_backslashes_is_told_apart_from_one_that_is_missing(tmp_path: Path) -> None:
    study = alone(zoo.get("micro"), "w", DataRequest("imagefolder", root=r"C:\a"), Recipe(), px=16)
    with pytest.raises(UserError, match=r"separate folders by /, not by \\"):
        run(study, tmp_path / "run", device="cpu", workers=0)


def test_the_report_says_how_it_was_run_as_a_shell_would_take_it(tmp_path: Path) -> None:
    from scaling_search.experiment.evidence import _command

    assert _command(TINY, tmp_path / "my $run") == ("scaling-search run study.toml --out 'my $run'")
    mine = with_function(TINY, "my_net:make")
    assert _command(mine, tmp_path / "r").endswith(" --out r --function my_net:make")
