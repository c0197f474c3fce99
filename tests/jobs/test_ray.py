"""Jobs on a Ray cluster of two nodes: one result each, whatever becomes of processes and nodes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.cost.custom_network import custom_network
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.jobs.environment import where_on
from scaling_search.jobs.executor import (
    DEATHS_ALLOWED,
    Ended,
    Epoch,
    Event,
    InlineExecutor,
    Started,
    jobs_in_order,
)
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ray import cluster as ray_cluster
from scaling_search.jobs.ray import executor
from scaling_search.jobs.ray.cluster import Slots, connected, kill_if_stopped
from scaling_search.jobs.ray.executor import RayExecutor
from scaling_search.jobs.result import Finished, Lost, TimedOut
from scaling_search.training.checkpoint import step_of
from tests import gated_network
from tests.jobs import clusters, small
from tests.jobs.small import (
    DATA,
    ENDLESS,
    NETWORK,
    PATIENCE_SECONDS,
    RECIPE,
    STEPS_PER_EPOCH,
    ended,
    gone,
    place,
    until,
    without_times,
)

GATED = custom_network(
    gated_network.NAME, resolution_px=NETWORK.resolution_px, in_channels=1, num_classes=20
)
IN_THE_THIRD_EPOCH = 2 * STEPS_PER_EPOCH + 2


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes that are waited for, to answer and to stop, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "NODE_ANSWER_SECONDS", PATIENCE_SECONDS)
        patch.setattr(executor, "GRACE_SECONDS", PATIENCE_SECONDS)
        with clusters.cluster(2) as made, connected(made.address, 1):
            yield made


@pytest.fixture(scope="module")
def images() -> str:
    return describe(DATA).fingerprint


@pytest.fixture(scope="module")
def nodes(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    """Both nodes, for all tests that do not end them; a checkpoint at every step."""
    with RayExecutor(eager(tmp_path_factory.mktemp("nodes")), clock=Clock()) as tasks:
        yield tasks


@pytest.fixture(scope="module")
def apart(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    """The same nodes, but none of them finds the driver's mark: nothing is shared."""
    with RayExecutor(eager(tmp_path_factory.mktemp("apart"))) as tasks:
        Path(tasks._checkpoints.mark).unlink()
        tasks._checkpoints._sharing.clear()
        yield tasks


@pytest.fixture
def job(images: str) -> Callable[..., TrainJob]:
    return lambda **changes: small.job(images=images, **changes)


def eager(folder: Path) -> Any:
    return replace(place(folder), every_seconds=0.0)


def started(events: list[Event], job: TrainJob) -> int:
    return sum(isinstance(event, Started) and event.job == job for event in events)


def epochs(events: list[Event], job: TrainJob) -> list[int]:
    return [e.record.epoch for e in events if isinstance(e, Epoch) and e.job == job]


def node_of(tasks: RayExecutor, job: TrainJob) -> Any:
    (node,) = [task.node for task in tasks._tasks if task.job == job]
    return node


def checkpoints(tasks: RayExecutor, job: TrainJob) -> list[Path]:
    """What the driver has of the job's plateau, the newest last."""
    policy = tasks._checkpoints._policy(job)
    assert policy is not None
    return sorted(policy.plateau.glob("*.safetensors"))


def test_two_nodes_give_the_results_of_inline(
    nodes: RayExecutor, job: Callable[..., TrainJob], tmp_path: Path
) -> None:
    jobs = [job(seed=seed, epochs=2, reads_test=seed == 0) for seed in range(4)]
    there = ended(list(nodes.run(jobs_in_order(jobs))))
    here = {
        e.job: e.result
        for e in ended(list(InlineExecutor(place(tmp_path)).run(jobs_in_order(jobs))))
    }
    assert sorted(event.job.seed for event in there) == [0, 1, 2, 3]
    for event in there:
        assert without_times(event.result) == without_times(here[event.job])
    assert len(nodes.machines) == 2
    assert nodes.environment.items() >= {**where_on("cpu"), "nodes": "2"}.items()


def test_both_nodes_work_at_once_and_every_epoch_is_told(
    nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    jobs = [job(seed=seed, epochs=2, architecture=GATED) for seed in (10, 11)]
    events = []
    with gated_network.shut_after(0) as gate:  # until both are under way
        for event in nodes.run(jobs_in_order(jobs)):
            events.append(event)
            where = {task.node.node for task in nodes._tasks if task.node}
            if gate.exists() and where == set(nodes.machines):
                gate.unlink()
    for each in jobs:
        (result,) = [event.result for event in ended(events) if event.job == each]
        assert isinstance(result, Finished)
        assert [event for event in events if event.job == each] == [
            Started(each),
            *(Epoch(each, record) for record in result.history),
            Ended(each, result, where_on("cpu")),
        ]


def test_no_jobs_are_no_events(nodes: RayExecutor) -> None:
    assert list(nodes.run(jobs_in_order([]))) == []


@pytest.mark.parametrize("shared", [True, False])
def test_a_job_whose_process_is_killed_goes_on_from_its_checkpoint_and_ends_once(
    shared: bool,
    job: Callable[..., TrainJob],
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    tasks = request.getfixturevalue("nodes" if shared else "apart")
    struck = job(seed=20, epochs=16, architecture=GATED)
    events: list[Event] = []
    with gated_network.shut_after(IN_THE_THIRD_EPOCH) as gate:
        jobs = iter([struck])

        def source() -> TrainJob | None:  # asked once a second too while a node is free
            kept = checkpoints(tasks, struck)
            heard = epochs(events, struck) and kept and step_of(kept[-1]) > STEPS_PER_EPOCH
            if heard and gate.exists():
                os.kill(node_of(tasks, struck).pid, signal.SIGKILL)
                gate.unlink()
            return next(jobs, None)

        for event in tasks.run(source):
            events.append(event)
    assert started(events, struck) == 2
    assert epochs(events, struck).count(1) == 1  # the first epoch was not trained again
    assert epochs(events, struck)[-1] == 16
    (end,) = ended(events)
    (uninterrupted,) = ended(list(InlineExecutor().run(jobs_in_order([struck]))))
    assert without_times(end.result) == without_times(uninterrupted.result)
    assert capfd.readouterr().out == ""


def test_a_node_removed_without_grace_loses_nothing_and_is_no_jobs_fault(
    cluster: Any, nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    """Its process hears of nothing until the run is over, as where a machine was cut off."""
    jobs = [job(seed=seed, epochs=60) for seed in (30, 31, 32)]
    (doomed,) = cluster.worker_nodes
    events: list[Event] = []
    pid = None
    for event in nodes.run(jobs_in_order(jobs)):
        events.append(event)
        there = isinstance(event, Epoch) and event.record.epoch == 2 and node_of(nodes, event.job)
        if pid is None and there and there.node == doomed.node_id:
            pid, struck = there.pid, event.job
            os.kill(pid, signal.SIGSTOP)  # or it may be done before its node has left
            cluster.remove_node(doomed, allow_graceful=False)
    assert pid is not None
    with suppress(ProcessLookupError):  # it may have ended with its node, stopped as it was
        os.kill(pid, signal.SIGCONT)
    assert until(lambda: gone(pid))
    clusters.add(cluster)
    assert started(events, struck) == 2
    assert sorted(event.job.seed for event in ended(events)) == [30, 31, 32]
    inline = {e.job: e.result for e in ended(list(InlineExecutor().run(jobs_in_order(jobs))))}
    for event in ended(events):
        assert without_times(event.result) == without_times(inline[event.job])
    assert struck.hash not in nodes._deaths


def test_where_nothing_is_shared_a_training_goes_on_from_the_drivers_checkpoints(
    apart: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    short, long = job(seed=40, epochs=4), job(seed=40, epochs=8)
    first = list(apart.run(jobs_in_order([short])))
    second = list(apart.run(jobs_in_order([long])))
    assert epochs(first, short) == [1, 2, 3, 4]
    # What both trainings have in common, the plateau, was not trained again.
    assert 1 not in epochs(second, long)
    assert epochs(second, long)[-1] == 8
    inline = list(InlineExecutor().run(jobs_in_order([long])))
    assert without_times(ended(second)[0].result) == without_times(ended(inline)[0].result)


def test_leaving_in_mid_run_stops_the_tasks_with_a_checkpoint(
    cluster: Any, job: Callable[..., TrainJob], tmp_path: Path
) -> None:
    long = job(seed=50, epochs=ENDLESS)
    with RayExecutor(place(tmp_path)) as tasks:
        Path(tasks._checkpoints.mark).unlink()  # so that it must come back to the driver
        for event in tasks.run(jobs_in_order([long])):
            if isinstance(event, Epoch):
                break
    assert len(checkpoints(tasks, long)) == 1
    assert tasks._tasks == []


def test_a_stopped_process_over_the_limit_is_timed_out_and_never_heard_again(
    nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    asked, after = job(seed=60, epochs=ENDLESS), job(seed=61)
    assert isinstance(nodes.clock, Clock)
    nodes.limit_seconds = 100.0
    events: list[Event] = []
    for event in nodes.run(jobs_in_order([asked])):
        events.append(event)
        if isinstance(event, Epoch) and nodes.clock.now == 0:
            pid = node_of(nodes, asked).pid
            os.kill(pid, signal.SIGSTOP)
            nodes.clock.now = 101.0
    nodes.limit_seconds = None
    assert until(lambda: gone(pid))  # so that it can't be continued
    events += nodes.run(jobs_in_order([after]))
    assert [event.job for event in ended(events)] == [asked, after]
    assert ended(events)[0].result == TimedOut(100.0)
    assert isinstance(ended(events)[1].result, Finished)


def test_a_process_that_is_seen_to_have_stopped_only_later_is_killed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[Callable[[], None]] = []
    monkeypatch.setattr(ray_cluster, "_start_on", lambda node, function: sent.append(function))
    with subprocess.Popen(["sleep", "600"]) as late:
        kill_if_stopped("a node", late.pid)
        looking = threading.Thread(target=sent[0])
        looking.start()  # it finds one that runs
        late.send_signal(signal.SIGSTOP)
        assert late.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        looking.join()


def test_a_job_whose_process_is_killed_each_time_is_lost(
    nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    killer = job(seed=70, epochs=ENDLESS)
    nodes._deaths[killer.hash] = DEATHS_ALLOWED - 1
    events: list[Event] = []
    for event in nodes.run(jobs_in_order([killer])):
        events.append(event)
        if isinstance(event, Started):
            os.kill(node_of(nodes, killer).pid, signal.SIGKILL)
    (lost,) = ended(events)
    assert isinstance(lost.result, Lost)
    assert lost.result.deaths == DEATHS_ALLOWED
    assert "died unexpectedly" in lost.result.reason


def test_a_mistake_in_a_job_comes_out_as_the_one_line_with_its_node(
    nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    greedy = job(recipe=replace(RECIPE, batch_size=1000))
    rule = r"a batch holds 1000 images.*, got 180: lower batch_size.* \(on node 127.0.0.1\)"
    with pytest.raises(UserError, match=rule):
        list(nodes.run(jobs_in_order([greedy])))


def test_images_that_a_node_lacks_or_has_otherwise_come_out_as_the_one_line(
    nodes: RayExecutor, job: Callable[..., TrainJob], tmp_path: Path
) -> None:
    elsewhere = DataRequest("imagefolder", root=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="nowhere"):
        list(nodes.run(jobs_in_order([job(data=elsewhere)])))
    with pytest.raises(UserError, match="every node must have the images of the driver"):
        list(nodes.run(jobs_in_order([small.job()])))


def test_a_validation_split_of_the_jobs_own_is_drawn_from_the_drivers_images(
    nodes: RayExecutor, job: Callable[..., TrainJob]
) -> None:
    drawn = job(data=replace(DATA, validation_seed=1000))
    ended = [event for event in nodes.run(jobs_in_order([drawn])) if isinstance(event, Ended)]
    assert [event.result.kind for event in ended] == ["finished"]


def test_a_node_with_other_versions_is_refused(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "required_versions", lambda: ("torch 1.0", "scaling_search 0.0"))
    with pytest.raises(UserError, match=r"every node must have torch 1\.0 and"):
        RayExecutor(place(tmp_path)).__enter__()
    assert not list(tmp_path.rglob(".shared-*"))


def test_two_jobs_of_half_a_gpu_share_one(
    cluster: Any, job: Callable[..., TrainJob], tmp_path: Path
) -> None:
    node = clusters.add(cluster, cpus=4, gpus=1)
    try:
        jobs = iter([job(seed=seed, epochs=ENDLESS) for seed in range(80, 84)])
        with RayExecutor(place(tmp_path), Slots(gpus_per_job=0.5)) as tasks:
            for _ in tasks.run(lambda: next(jobs, None)):
                if all(task.node for task in tasks._tasks):
                    break
            assert [task.node.node for task in tasks._tasks if task.node] == [node.node_id] * 2
        assert len(list(jobs)) == 2  # no more were asked for
    finally:
        cluster.remove_node(node, allow_graceful=False)


@pytest.mark.parametrize(
    ("cpus", "gpus", "gpus_per_job", "room"),
    [(4, 0, 0, 4), (4, 1, 0.25, 4), (16, 2, 0.3, 6), (16, 1, 1 / 3, 3), (2, 4, 1, 2), (8, 5, 2, 2)],
)
def test_a_node_has_room_for(cpus: int, gpus: int, gpus_per_job: float, room: int) -> None:
    node = {"Resources": {"CPU": float(cpus), "GPU": float(gpus)}}
    assert Slots(gpus_per_job).count([node]) == room
    assert Slots(gpus_per_job).count([node, node]) == 2 * room
    assert Slots(gpus_per_job, at_most=1).count([node, node]) == 1


def test_a_cluster_that_fits_no_job_is_refused() -> None:
    with pytest.raises(UserError, match=r"room for a job: 1 CPU, 0.5 GPU, got \[\{'CPU': 4"):
        Slots(0.5).check([{"Resources": {"CPU": 4.0}}])


@pytest.mark.parametrize("gpus", [-1.0, 1.5, float("nan")])
def test_gpus_that_cannot_be_given_are_refused(gpus: float) -> None:
    with pytest.raises(UserError, match="a part of one, or a whole number"):
        Slots(gpus)


def test_an_address_where_nobody_listens_is_refused_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=r"a Ray cluster must answer, got .*nobody listens"):
            connected(address, 1).__enter__()
    with pytest.raises(UserError, match="auto, local or host:port"):
        connected("ray://head:10001", 1).__enter__()


CLIENT = """
import sys
from scaling_search.core.errors import UserError
from scaling_search.jobs.ray.cluster import connected
try:
    with connected(sys.argv[1], 1):
        print("let in")
except UserError as error:
    print(error)
"""


def test_a_driver_with_another_token_is_refused(cluster: Any) -> None:
    once = ("RAY_gcs_server_port_wait_time_s", "RAY_NUM_REDIS_GET_RETRIES")
    settings = {"RAY_AUTH_TOKEN": "f" * 32, **dict.fromkeys(once, "1")}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, cluster.address],
        env={**os.environ, **settings},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("a Ray cluster must answer")
    assert "RAY_AUTH_TOKEN_PATH" in done.stdout


def test_a_temporary_folder_of_too_long_a_name_is_said_with_the_variable_that_helps(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, "local"],
        env={**os.environ, "TMPDIR": str(folder)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(
        f"a Ray cluster needs a folder with a short name for its sockets, got {str(folder)!r}: name"
    )


DRIVER = """
import sys
from pathlib import Path
from scaling_search.data.load import describe
from scaling_search.jobs.executor import Epoch, jobs_in_order
from scaling_search.jobs.ray.cluster import connected
from scaling_search.jobs.ray.executor import RayExecutor
from tests.jobs.small import DATA, ENDLESS, job, place
asked = job(epochs=ENDLESS, images=describe(DATA).fingerprint)
with connected(sys.argv[1], 1), RayExecutor(place(Path(sys.argv[2]))) as tasks:
    for event in tasks.run(jobs_in_order([asked])):
        if isinstance(event, Epoch):
            print(*[task.node.pid for task in tasks._tasks], flush=True)
"""


@pytest.mark.slow
def test_tasks_of_a_killed_driver_end_by_themselves(cluster: Any, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, cluster.address, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as driver:
        assert driver.stdout is not None
        (pid,) = [int(pid) for pid in driver.stdout.readline().split()]
        assert not gone(pid)
        driver.kill()
    assert until(lambda: gone(pid))
