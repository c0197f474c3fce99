"""Where jobs run: on the nodes of a Ray cluster, as many at once as it has room for.

Each job is a Ray task that tells of itself while it runs. Ray repeats nothing by itself: a job
whose process or node was lost is ordered again, and goes on from its newest checkpoint. What an
older task of a job says is not heard any more, so a job that ran twice has one result.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self, assert_never

import ray
from ray.exceptions import NodeDiedError, RayError, RayTaskError, RuntimeEnvSetupError

from scaling_search.core.errors import UserError, require
from scaling_search.jobs.environment import CAPABILITY, DEVICE
from scaling_search.jobs.executor import (
    DEATHS_ALLOWED,
    GRACE_SECONDS,
    Ended,
    Epoch,
    Event,
    NextJob,
    Started,
)
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.ray.checkpoint_files import CheckpointFile
from scaling_search.jobs.ray.checkpoints import Checkpoints
from scaling_search.jobs.ray.cluster import (
    Slots,
    kill_if_stopped,
    live_nodes,
    pinned_to,
    send_sigterm,
)
from scaling_search.jobs.ray.ordered_task import (
    OrderedTask,
    next_messages,
    node_error,
    ray_reason,
    with_absolute_root,
)
from scaling_search.jobs.ray.task import (
    Node,
    Order,
    TaskError,
    TaskMessage,
    TaskResult,
    TaskStopped,
    node_seen,
    required_versions,
    work,
)
from scaling_search.jobs.result import Lost, TimedOut
from scaling_search.training.history import EpochRecord

NODE_ANSWER_SECONDS = (
    60.0  # for a cluster's first processes; a node that is busy is met with its job
)

_log = logging.getLogger(__name__)


@dataclass
class RayExecutor:
    """The nodes of the connected Ray cluster; a context manager that stops its tasks.

    Deaths and limits are those of `Workers`, but for the loss of a node, which is no job's fault.
    A limit counts from when a task begins. Checkpoints lie in the place's directory; a node that
    does not share it sends them through Ray's object store and gets them from there.
    """

    place: Place
    slots: Slots = field(default_factory=Slots)
    limit_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    machines: dict[str, dict[str, str]] = field(default_factory=dict)
    _tasks: list[OrderedTask] = field(default_factory=list)
    _deaths: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Look at every node; raises UserError when no job fits or a node has other versions."""
        self.slots.check(live_nodes())
        self._work = self.slots.remote(work)
        self._checkpoints = Checkpoints(self.place)
        self._checkpoints.open()
        with ExitStack() as stack:
            stack.callback(self._checkpoints.close)
            self._inspect_nodes()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the tasks to stop at their next step; kill those that do not."""
        for task in list(self._tasks):
            if task.node is None:
                self._cancel(task)
            else:
                send_sigterm(task.node.node, task.node.pid)
        deadline = time.monotonic() + GRACE_SECONDS
        while self._tasks and time.monotonic() < deadline:
            for task, report in next_messages(self._tasks):
                if isinstance(report, CheckpointFile):
                    self._checkpoints.write(task.job, report)
                elif not isinstance(report, Node | EpochRecord):
                    self._tasks.remove(task)
        for task in list(self._tasks):
            self._cancel(task)
        self._checkpoints.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a record says of all nodes, how many there are, and Ray's version."""
        wheres = self.machines.values()
        of_all = {
            name: ", ".join(sorted({where[name] for where in wheres}))
            for name in (DEVICE, CAPABILITY)
        }
        return {**of_all, "nodes": str(len(self.machines)), "ray": ray.__version__}

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run each job where there is room; raises PreemptedError when asked for room."""
        with PREEMPTION.polled():
            yield from self._events(source)

    def rest(self) -> None:
        """Nothing is left to end: Ray ends the process of a task that had a GPU."""

    def _events(self, source: NextJob) -> Iterator[Event]:
        repeated: deque[TrainJob] = deque()
        while True:
            nodes = live_nodes()
            repeated.extend(self._lost_jobs({node["NodeID"] for node in nodes}))
            # One job waits even where no node is left: one may come back, or be started for it.
            while len(self._tasks) < max(1, self.slots.count(nodes)):
                job = repeated.popleft() if repeated else source()
                if job is None:
                    break
                self._order(job)
            if not self._tasks:
                return
            PREEMPTION.check()
            for task, report in next_messages(self._tasks):
                yield from self._on_message(task, report, repeated)
            yield from self._overdue()

    def _order(self, job: TrainJob) -> None:
        nodes = [node["NodeID"] for node in live_nodes()]
        order = Order(
            with_absolute_root(job),
            self._checkpoints.place,
            self._checkpoints.mark,
            self._checkpoints.references(job, nodes),
        )
        reports = self._work.options(num_returns="streaming").remote(order)
        self._tasks.append(OrderedTask(job, reports))

    def _on_message(
        self, task: OrderedTask, report: TaskMessage | RayError, repeated: deque[TrainJob]
    ) -> Iterator[Event]:
        match report:
            case Node():
                task.node, task.began = report, self.clock()
                self._register(report)
                yield Started(task.job)
            case EpochRecord():
                yield Epoch(task.job, report)
            case CheckpointFile():
                self._checkpoints.write(task.job, report)
            case TaskResult(result):
                self._tasks.remove(task)
                yield Ended(task.job, result, task.where)
            case TaskError(text):
                self._tasks.remove(task)
                raise UserError(text)
            case TaskStopped() | NodeDiedError():
                self._tasks.remove(task)
                repeated.append(task.job)
            case RayError():
                self._tasks.remove(task)
                yield from self._on_death(task, report, repeated)
            case _:
                assert_never(report)

    def _on_death(
        self, task: OrderedTask, error: RayError, repeated: deque[TrainJob]
    ) -> Iterator[Event]:
        """A dead task's job goes before all others, unless it is the killer."""
        if task.node is None and isinstance(error, RayTaskError | RuntimeEnvSetupError):
            raise node_error(error) from error
        job = task.job
        self._deaths[job.hash] = self._deaths.get(job.hash, 0) + 1
        if self._deaths[job.hash] < DEATHS_ALLOWED:
            repeated.append(job)
        else:
            yield Ended(job, Lost(self._deaths[job.hash], ray_reason(error)), task.where)

    def _lost_jobs(self, live_names: set[str]) -> Iterator[TrainJob]:
        """The jobs of silent nodes that Ray has given up; it would wait minutes for their tasks."""
        for task in list(self._tasks):
            if task.node and task.node.node not in live_names and task.is_silent():
                self._cancel(task)
                yield task.job

    def _overdue(self) -> Iterator[Event]:
        limit = self.limit_seconds
        for task in list(self._tasks):
            if limit is not None and task.node and self.clock() - task.began > limit:
                self._cancel(task)
                kill_if_stopped(task.node.node, task.node.pid)
                yield Ended(task.job, TimedOut(limit), task.where)

    def _cancel(self, task: OrderedTask) -> None:
        """End the task; whatever it may still say is not heard."""
        self._tasks.remove(task)
        task.cancel()

    def _inspect_nodes(self) -> None:
        ask = self.slots.remote(node_seen)
        answers = [
            ask.options(scheduling_strategy=pinned_to(node["NodeID"])).remote(
                self._checkpoints.mark, self.place.device
            )
            for node in live_nodes()
            if self.slots.count([node])
        ]
        for answer in ray.wait(answers, num_returns=len(answers), timeout=NODE_ANSWER_SECONDS)[0]:
            try:
                self._register(ray.get(answer))
            except (RayTaskError, RuntimeEnvSetupError) as error:
                raise node_error(error) from error
            except RayError as error:  # such as a node that has left
                _log.warning("a node did not answer: %s", ray_reason(error))

    def _register(self, node: Node) -> None:
        ours = required_versions()
        rule = f"every node must have {' and '.join(ours)}, as the driver has"
        require(node.versions == ours, rule, node.versions, "install the same there")
        self.machines[node.node] = node.where
        self._checkpoints.note_sharing(node.node, node.shares_checkpoints)
