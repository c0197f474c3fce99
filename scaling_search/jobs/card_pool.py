"""Which card the next job goes to, and what becomes of a card that is full or fails.

Nothing here starts a process: jobs begin and end, and a clock goes on.

- A job goes to the card with the fewest jobs, the first of them at equal numbers.
- A card is full when a job finds too little memory there beside other processes. If our own jobs
  are beside it, the card takes no job until they have ended, and the job next has a card to itself;
  else the card takes none for a while. After one try more than there are cards, the lack of memory
  is the job's result, and so it is at once where nobody else is on the card.
- A card that fails takes no job any more, and its job goes to another one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from scaling_search.core.errors import require
from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Failed, OutOfMemory, Result

_log = logging.getLogger(__name__)

ASIDE_SECONDS = 60.0
OTHERS_BYTES = 1 << 30  # a process's own context is about half of this, and no other's

# Of CUDA's errors those that are the card's or the driver's own; a network's own (an assertion, an
# illegal address) and a lack of memory are none of them. In small letters.
_FAULTS = (
    *("uncorrectable", "hardware stack error", "hardware error", "gpu is lost"),
    *("fallen off the bus", "no cuda-capable device", "no cuda gpus are available"),
    *("busy or unavailable", "unknown error", "initialization error"),
    *("system not yet initialized", "driver shutting down"),
)


def is_card_fault(reason: str) -> bool:
    """Whether a training's error says that the card or its driver no longer works."""
    words = reason.lower()
    return "cuda" in words and any(fault in words for fault in _FAULTS)


@dataclass
class _State:
    """A card with its room, until when it takes none, and whether each job there had company."""

    card: GpuCard
    room: int
    jobs: dict[str, bool] = field(default_factory=dict)
    aside_until: float = -inf
    emptying: bool = False
    alone: bool = False
    failed: bool = False
    said_full: bool = False


@dataclass
class CardPool:
    """Cards that take so many jobs together, spread over them in turn."""

    cards: Sequence[GpuCard]
    jobs_at_once: int
    clock: Callable[[], float] = time.monotonic
    _lacked: dict[str, list[tuple[GpuCard, bool]]] = field(default_factory=dict)
    _reason: str = ""

    def __post_init__(self) -> None:
        spread = [len(range(n, self.jobs_at_once, len(self.cards))) for n in range(len(self.cards))]
        self._states = [
            _State(*card_and_room) for card_and_room in zip(self.cards, spread, strict=True)
        ]

    @property
    def working(self) -> tuple[GpuCard, ...]:
        """The cards that have not failed."""
        return tuple(state.card for state in self._states if not state.failed)

    def card_for(self, job: TrainJob | None = None) -> GpuCard | None:
        """The card that this job would go to, or one that never ran (None); None: no room yet."""
        lacked = self._lacked.get(job.hash, []) if job else []
        alone = any(beside_ours for _, beside_ours in lacked)
        tried = [card for card, _ in lacked]
        fitting = [state for state in self._open() if not (alone and state.jobs)]
        fitting.sort(key=lambda state: (tried.count(state.card), len(state.jobs)))
        return fitting[0].card if fitting else None

    def begin(self, card: GpuCard, job: TrainJob) -> None:
        """The job runs on this card from now on."""
        state = self._of(card)
        state.jobs[job.hash] = False
        if len(state.jobs) > 1:
            state.jobs = dict.fromkeys(state.jobs, True)
        state.alone = any(beside_ours for _, beside_ours in self._lacked.get(job.hash, []))

    def end(self, card: GpuCard, job: TrainJob) -> None:
        """The job is no longer on the card, whatever came of it."""
        state = self._of(card)
        state.jobs.pop(job.hash, None)
        if not state.jobs:
            state.alone = state.emptying = False

    def tries_again(self, card: GpuCard, job: TrainJob, result: Result, others_bytes: int) -> bool:
        """Whether a job that has this result, but has not ended yet, runs once more; says why.

        `others_bytes` are what other processes hold of the card.
        """
        if not card.entry:
            return False
        if isinstance(result, OutOfMemory):
            return self._is_full(self._of(card), job, others_bytes)
        if isinstance(result, Failed) and is_card_fault(result.reason):
            self._take_out(self._of(card), result.reason)
            return True
        return False

    def require_a_working_card(self) -> None:
        """Raise UserError when every card has failed."""
        require(
            len(self.working) > 0,
            "a training needs a GPU that works",
            f"none of {len(self.cards)} ({self._reason})",
            "mend them (nvidia-smi shows which are lost) and start again: all that has finished "
            "is in the ledger",
        )

    def _is_full(self, state: _State, job: TrainJob, others_bytes: int) -> bool:
        tries = self._lacked.setdefault(job.hash, [])
        # What was beside it may have ended a moment ago.
        beside_ours = state.jobs[job.hash]
        if len(tries) >= len(self.cards) or not (beside_ours or others_bytes > OTHERS_BYTES):
            return False
        tries.append((state.card, beside_ours))
        if beside_ours:
            state.emptying = True
        else:
            state.aside_until = self.clock() + ASIDE_SECONDS
        if not state.said_full:
            state.said_full = True
            _log.warning("%s", _full(state, others_bytes))
        return True

    def _take_out(self, state: _State, reason: str) -> None:
        if not state.failed:
            state.failed, self._reason = True, reason
            _log.warning(
                "GPU %s fails (%s) and is taken out, %d go on: reset it (nvidia-smi --gpu-reset) "
                "or start the node anew before the next run",
                state.card.entry,
                reason,
                len(self.working),
            )

    def _open(self) -> Iterator[_State]:
        """The states of the cards that take one more job now."""
        now = self.clock()
        for state in self._states:
            closed = state.failed or state.emptying or state.alone or now < state.aside_until
            if not closed and len(state.jobs) < state.room:
                yield state

    def _of(self, card: GpuCard) -> _State:
        return self._states[self.cards.index(card)]


def _full(state: _State, others_bytes: int) -> str:
    if state.emptying:
        holder, until = "our own trainings", "until they have ended"
    else:
        holder = f"{others_bytes / (1 << 30):.1f} GiB of other processes"
        until = f"for {ASIDE_SECONDS:.0f} s"
    return (
        f"GPU {state.card.entry} is full of {holder} and is set aside {until}; the training that "
        "found no room runs on another, or there again: --jobs-per-gpu, or end what else is there"
    )
