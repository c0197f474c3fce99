"""Which card the next job goes to: cards, jobs and a clock, and no process."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from scaling_search.core.errors import UserError
from scaling_search.jobs.card_pool import ASIDE_SECONDS, OTHERS_BYTES, CardPool, is_card_fault
from scaling_search.jobs.cards import THIS_DEVICE, GpuCard, visible_cards
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Failed, OutOfMemory
from tests.jobs.small import job

A, B, C, D = (job(seed=seed) for seed in range(4))
LACKS = OutOfMemory(30, "CUDA out of memory")
FAULT = Failed("AcceleratorError: CUDA error: uncorrectable ECC error encountered")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Node:
    """A pool of so many cards, and where its jobs are."""

    cards: int
    jobs: int
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pool = CardPool(visible_cards(None, self.cards), self.jobs, self.clock)
        self.on: dict[str, GpuCard] = {}

    def begin(self, job: TrainJob) -> str:
        card = self.pool.card_for(job)
        if card is None:
            return ""
        self.on[job.hash] = card
        self.pool.begin(card, job)
        return card.entry

    def end(self, job: TrainJob) -> None:
        self.pool.end(self.on.pop(job.hash), job)

    def lacks(self, job: TrainJob, others: int = 0) -> bool:
        again = self.pool.tries_again(self.on[job.hash], job, LACKS, others)
        self.end(job)
        return again

    def fails(self, job: TrainJob, result: Failed = FAULT) -> bool:
        again = self.pool.tries_again(self.on[job.hash], job, result, 0)
        self.end(job)
        return again


@pytest.mark.parametrize(
    ("cards", "jobs", "expected"),
    [(3, 5, "01201"), (3, 2, "01"), (1, 3, "000"), (2, 4, "0101")],
)
def test_jobs_are_spread_over_the_cards_in_turn(cards: int, jobs: int, expected: str) -> None:
    node = Node(cards, jobs)
    assert [node.begin(job(seed=n)) for n in range(jobs)] == list(expected)
    assert node.begin(job(seed=jobs)) == ""


def test_the_next_job_goes_to_the_card_with_the_fewest() -> None:
    node = Node(2, 4)
    for each in (A, B, C):  # on 0, 1, 0
        node.begin(each)
    node.end(B)
    assert node.begin(D) == "1"


def test_a_card_full_of_ours_empties_and_its_job_is_alone_there_next() -> None:
    node = Node(1, 3)
    for each in (A, B):
        node.begin(each)
    assert node.lacks(B)
    assert node.begin(B) == node.begin(C) == ""  # A is there still
    node.end(A)
    assert node.begin(B) == "0"
    assert node.begin(C) == ""  # B has the card to itself
    node.end(B)
    assert (node.begin(C), node.begin(D)) == ("0", "0")


def test_who_was_beside_a_job_counts_though_it_ended_a_moment_before() -> None:
    node = Node(1, 2)
    for each in (A, B):
        node.begin(each)
    node.end(A)
    assert node.lacks(B)
    assert node.begin(B) == "0"
    assert not node.lacks(B)  # now it was alone


def test_a_job_that_found_no_room_beside_ours_takes_another_card_if_that_is_empty() -> None:
    node = Node(2, 4)
    for each in (A, B, C):  # on 0, 1, 0
        node.begin(each)
    node.end(B)
    assert node.lacks(C)
    assert node.begin(C) == "1"
    assert node.begin(D) == ""  # 0 empties, and C is alone on 1


def test_a_card_full_of_others_takes_none_for_a_while() -> None:
    node = Node(1, 2)
    node.begin(A)
    assert node.lacks(A, others=OTHERS_BYTES + 1)
    node.clock.now = ASIDE_SECONDS - 1
    assert node.begin(A) == node.begin(B) == ""
    node.clock.now = ASIDE_SECONDS
    assert (node.begin(A), node.begin(B)) == ("0", "0")


def test_a_lack_of_memory_with_nobody_beside_is_the_jobs_result() -> None:
    node = Node(2, 2)
    node.begin(A)
    assert not node.lacks(A, others=OTHERS_BYTES)
    assert node.begin(B) == "0"  # nothing is set aside


def test_it_is_the_jobs_result_after_one_try_more_than_there_are_cards() -> None:
    node, tried = Node(2, 2), []
    for _ in range(3):
        tried.append((node.begin(A), node.lacks(A, others=OTHERS_BYTES + 1)))
        node.clock.now += ASIDE_SECONDS
    assert tried == [("0", True), ("1", True), ("0", False)]


def test_a_card_that_fails_takes_no_job_any_more() -> None:
    node = Node(2, 4)
    node.begin(A)
    assert node.fails(A)
    assert [node.begin(each) for each in (A, B, C)] == ["1", "1", ""]
    node.pool.require_a_working_card()
    assert node.fails(A)
    with pytest.raises(UserError, match=r"none of 2 \(.*uncorrectable ECC"):
        node.pool.require_a_working_card()


def test_the_one_device_of_a_process_is_neither_full_nor_failing() -> None:
    pool = CardPool((THIS_DEVICE,), 2)
    for each in (A, B):
        pool.begin(THIS_DEVICE, each)
    assert not pool.tries_again(THIS_DEVICE, A, LACKS, 70 << 30)
    assert not pool.tries_again(THIS_DEVICE, B, FAULT, 0)
    pool.require_a_working_card()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("AcceleratorError: CUDA error: uncorrectable ECC error encountered", True),
        ("RuntimeError: No CUDA GPUs are available", True),
        ("AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable", True),
        ("RuntimeError: CUDA unknown error - this may be due to an incorrectly set up …", True),
        ("AcceleratorError: CUDA error: device-side assert triggered", False),
        ("AcceleratorError: CUDA error: an illegal memory access was encountered", False),
        ("AcceleratorError: CUDA error: unspecified launch failure", False),
        ("ValueError: unknown error", False),
    ],
)
def test_a_fault_of_the_card_is_told_from_one_of_the_network(reason: str, expected: bool) -> None:
    assert is_card_fault(reason) is expected
