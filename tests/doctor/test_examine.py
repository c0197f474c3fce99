"""What the doctor says of a run directory, whole or damaged, and that it touches nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.request import DataRequest
from scaling_search.doctor.examine import examine
from scaling_search.doctor.finding import Finding, healthy, size
from scaling_search.doctor.run_files import ledger_lines
from scaling_search.experiment.outcome import read_experiment, redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.environment import where_on
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.ledger_format import ledger_line
from scaling_search.latency.conditions import machine_name
from tests.jobs.small import FINISHED, job
from tests.program import call
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    run(TINY, out, device="cpu", workers=0)
    return out


@pytest.fixture
def out(whole: Path, tmp_path: Path) -> Path:
    """A run directory that may be damaged."""
    return shutil.copytree(whole, tmp_path / "tiny")


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def line_count(out: Path) -> int:
    """How many results the ledger holds: which candidate wins, and so what is shared, may vary."""
    return len((out / "ledger.jsonl").read_bytes().splitlines())


def states(out: Path, about: str) -> set[str]:
    return {finding.state for finding in examine(out) if finding.about == about}


def attention(out: Path) -> list[Finding]:
    return [finding for finding in examine(out) if finding.state == "attention"]


def test_a_finished_run_is_healthy_and_nothing_of_it_is_touched(out: Path) -> None:
    before = contents(out)
    findings = examine(out)
    assert attention(out) == []
    assert healthy(findings)
    assert {finding.about for finding in findings} == {
        *("lock", "ledger", "study", "data", "checkpoints", "environment", "disk")
    }
    assert contents(out) == before


def test_a_run_under_way_is_looked_at_beside_its_writer(out: Path) -> None:
    with Ledger(out / "ledger.jsonl"), (out / "ledger.jsonl").open("ab") as file:
        file.write(b'{"crc32": "in the writing')
        file.flush()
        assert attention(out) == []
        (lock,) = [finding for finding in examine(out) if finding.about == "lock"]
        assert lock.state == "note"
        assert "writes here" in lock.what
    (torn,) = attention(out)
    assert torn.what == "the last line is torn"


def edit_line(out: Path, number: int, old: bytes, new: bytes) -> None:
    path = out / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_bytes(b"".join(lines))


def test_a_damaged_line_is_named_with_what_to_type(out: Path) -> None:
    edit_line(out, 2, b'"seed": ', b'"seed":9')
    (garbled,) = attention(out)
    assert garbled.what == "line 2: damaged"
    assert f"sed -i '2d' {out / 'ledger.jsonl'}" in garbled.then
    with Ledger(out / "ledger.jsonl") as ledger:
        assert ledger.notes == ["ledger.jsonl: line 2 is garbled; its job will run again if needed"]


def test_a_ledger_of_utf_16_is_one_line_of_attention(out: Path) -> None:
    path = out / "ledger.jsonl"
    path.write_bytes(path.read_text().encode("utf-16"))
    of_ledger, of_study = attention(out)
    assert of_ledger.what.startswith("a ledger must be UTF-8 text, got UTF-16 in")
    assert of_study.what == of_ledger.what


def test_a_line_filed_under_another_hash_than_its_jobs_is_named(out: Path) -> None:
    path = out / "ledger.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    record = json.dumps(json.loads(first)["record"]).encode()
    path.write_bytes(b"".join([ledger_line("0" * 16, record), *rest]))
    assert "line 1: filed under a hash that is not their job's" in [f.what for f in attention(out)]


def test_damaged_orphaned_and_half_written_checkpoints_are_told_apart(out: Path) -> None:
    checkpoints = out / "checkpoints"
    newest, *_ = sorted(checkpoints.rglob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-1])
    orphan = checkpoints / ("0" * 16)
    orphan.mkdir()
    (orphan / "000000001-e3b0c44298fc1c14.safetensors").write_bytes(b"")
    (orphan / ".000000002.abcd.part").write_bytes(b"half")
    said = [finding for finding in examine(out) if finding.about == "checkpoints"]
    assert [f.what for f in said if f.state == "attention"] == [
        f"{newest.relative_to(out)} is damaged"
    ]
    (foreign,) = [f for f in said if f.what.startswith("1 of no training that this study asks for")]
    assert foreign.then == "no run of it reads them: they may be deleted"
    assert any(f.what.startswith("1 half-written") for f in said)
    assert any("of finished trainings" in f.what for f in said)


def test_while_the_search_is_unfinished_no_checkpoint_is_called_needless(out: Path) -> None:
    edit_line(out, 1, b'"seed": ', b'"seed":9')
    said = examine(out)
    (foreign,) = [f for f in said if "of no training that" in f.what]
    assert foreign.then == "keep them: it may ask for them once its search is finished"
    (progress,) = [f for f in said if "trainings have their results" in f.what]
    assert progress.what.endswith("or it asks for them once its search is finished")


def test_what_a_run_would_train_is_told(out: Path) -> None:
    path = out / "ledger.jsonl"
    first, *_ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first)
    (progress,) = [f for f in examine(out) if "trainings have" in f.what]
    assert progress.state == "note"
    assert progress.what == "1 of its trainings have their results"
    assert progress.then.startswith("a run trains what is missing, ")


def test_the_trainings_of_the_gate_are_the_studys_own() -> None:
    for name in ("cifar10", "fashion-mnist"):
        (progress,) = [f for f in examine(RESULTS / name) if "trainings have" in f.what]
        assert "not asked for" not in progress.what
        assert progress.state == "good"


def test_results_of_another_study_are_told(out: Path) -> None:
    changed = replace(TINY, recipe=replace(TINY.recipe, learning_rate=0.01))
    (out / "study.toml").write_text(to_toml(changed))
    said = f"none of the {line_count(out)} trainings in the ledger"
    assert any(finding.what.startswith(said) for finding in attention(out))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda out: (out / "study.toml").write_text("name ="), "must be valid TOML"),
        (lambda out: (out / "study.toml").unlink(), "study.toml"),
        (lambda out: (out / "data.json").write_text("{}"), "data.json"),
    ],
)
def test_a_study_that_cannot_be_read_does_not_stop_the_rest(
    out: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(out)
    (finding,) = attention(out)
    assert finding.about == "study"
    assert said in finding.what
    assert states(out, "ledger") == {"good"}
    assert states(out, "disk") == {"good"}


def test_another_machine_matters_only_where_something_is_left_to_train(out: Path) -> None:
    environment = json.loads((out / "environment.json").read_text()) | {"torch": "1.0"}
    (out / "environment.json").write_text(json.dumps(environment))
    assert states(out, "environment") == {"note"}
    (out / "ledger.jsonl").unlink()
    assert states(out, "environment") == {"attention"}
    (out / "environment.json").write_text("[" * 100_000)
    assert states(out, "environment") == {"note"}


def ran_on(out: Path, number: int, capability: str | None) -> None:
    """Let a line of the ledger say that its training ran with these instructions of the CPU."""
    path = out / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    content = json.loads(lines[number])
    where = content["record"]["where"]
    assert where.pop("cpu capability")
    where |= {} if capability is None else {"cpu capability": capability}
    lines[number] = ledger_line(content["hash"], json.dumps(content["record"]).encode())
    path.write_bytes(b"".join(lines))


def test_trainings_on_different_kinds_of_device_are_told_by_the_doctor_and_the_report(
    out: Path,
) -> None:
    ran_on(out, 0, None)  # an older record, of which nothing is known
    assert states(out, "environment") == {"good"}
    assert "different kinds of device" not in redraw(out).report.readme.read_text()
    ran_on(out, 1, "that of tomorrow")
    (mixed,) = [f for f in examine(out) if f.about == "environment" and f.state == "note"]
    for count, capability in (
        (line_count(out) - 2, where_on("cpu")["cpu capability"]),
        (1, "CPU capability unknown"),
        (1, "that of tomorrow"),
    ):
        assert f"{count} on {machine_name('cpu')} ({capability})" in mixed.what
    report, kinds = redraw(out).report, mixed.what.partition(": ")[2]
    for page in (report.readme, report.html):
        assert "different kinds of device, so what is too close to call" in page.read_text()
        assert kinds in page.read_text()


def test_an_entry_that_an_older_version_did_not_write_is_no_change(out: Path) -> None:
    environment = json.loads((out / "environment.json").read_text())
    assert environment.pop("cpu capability")
    (out / "environment.json").write_text(json.dumps(environment))
    assert states(out, "environment") == {"good"}


def test_a_full_disk_matters_where_something_is_left_to_train(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "ledger.jsonl").unlink()
    assert states(out, "disk") == {"good"}
    usage = shutil.disk_usage(out)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert states(out, "disk") == {"attention"}


def test_images_that_are_gone_are_told(out: Path, tmp_path: Path) -> None:
    data = DataRequest("imagefolder", root=str(tmp_path / "photos"), train_images=200)
    (out / "study.toml").write_text(to_toml(replace(TINY, data=data)))
    assert states(out, "data") == {"note"}  # all is trained
    (tmp_path / "photos").mkdir()
    assert states(out, "data") == {"good", "note"}  # its classes are small


@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist"])
def test_the_committed_ledgers_are_whole_to_the_last_hash(name: str) -> None:
    lines = ledger_lines(RESULTS / name / "ledger.jsonl")
    assert lines.results > 80
    assert (lines.garbled, lines.misnamed, lines.unknown, lines.repeated) == ((), (), (), ())
    read_experiment(RESULTS / name)


def test_a_line_of_an_unknown_kind_is_named(out: Path) -> None:
    with (out / "ledger.jsonl").open("ab") as file:
        file.write(ledger_line("0" * 16, b'{"result": {"kind": "of tomorrow"}}'))
    last = f"line {line_count(out)}: not understood by this version"
    assert [f.what for f in attention(out)] == [last]


def test_a_job_with_two_lines_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.accept(job(), FINISHED, {})
    path.write_bytes(path.read_bytes() * 2)
    assert ledger_lines(path).repeated == (2,)


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a run directory holds study\.toml and ledger\.jsonl"):
        examine(tmp_path)


def test_the_verb_prints_a_line_a_finding_and_ends_with_0_1_or_2(out: Path, tmp_path: Path) -> None:
    status, printed, said = call("doctor", str(out))
    assert (status, said) == (0, "")
    assert printed.startswith("✓ lock ")
    edit_line(out, 1, b'"seed": ', b'"seed":9')
    status, printed, _ = call("doctor", str(out))
    assert status == 1
    assert "! ledger       line 1: damaged" in printed
    values = json.loads(call("doctor", str(out), "--json")[1])
    assert values["healthy"] is False
    assert {"about", "state", "what", "then"} == set(values["findings"][0])
    status, printed, said = call("doctor", str(tmp_path / "nowhere"))
    assert (status, printed) == (2, "")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1234, "1.23 kB"), (5.5e7, "55 MB"), (2e12, "2,000 GB")]
)
def test_sizes_are_for_people(count: float, text: str) -> None:
    assert size(count) == text
