"""Workers on eight cards that are made up: real processes, each on the card that it was given."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.jobs.card_pool import ASIDE_SECONDS
from scaling_search.jobs.cards import visible_cards
from scaling_search.jobs.executor import Ended, Event, Started, jobs_in_order
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Failed, Finished, OutOfMemory
from scaling_search.jobs.workers import Workers
from tests.jobs.pretended import EIGHT, pretend
from tests.jobs.small import FINISHED, ended, job, place

Pool = Callable[..., Workers]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """Workers on these cards, of which some do what is said of them."""
    made: list[Workers] = []
    pretend(monkeypatch, tmp_path)

    def make(workers: int, does: Mapping[str, str], entries: str = EIGHT) -> Workers:
        for card, word in does.items():
            (tmp_path / card).write_text(word)
        cards = visible_cards(entries, 8)
        made.append(
            Workers(workers, place(tmp_path), tmp_path / "logs", clock=Clock(), cards=cards)
        )
        return made[-1]

    yield make
    for each in made:
        each.rest()


def seeds(count: int) -> list[TrainJob]:
    return [job(seed=seed) for seed in range(count)]


def where(events: Sequence[Event]) -> list[str]:
    """The cards of all results, in words."""
    return [event.where["gpu"] for event in ended(list(events)) if event.where]


def test_each_of_eight_cards_trains_and_a_record_says_which_did(pool: Pool) -> None:
    events = list(pool(8, {}).run(jobs_in_order(seeds(8))))
    assert Counter(where(events)) == Counter(f"{n} (GPU-{n}-of-this-node)" for n in range(8))
    assert all(e.where and e.where["device"] == "a made-up card" for e in ended(events))


@pytest.mark.parametrize("entries", ["GPU-8f1c,GPU-9a", "MIG-3b5e,MIG-77aa"])
def test_uuids_and_slices_are_handed_on_as_they_are(pool: Pool, entries: str) -> None:
    events = list(pool(2, {}, entries).run(jobs_in_order(seeds(2))))
    assert sorted(where(events)) == entries.split(",")


def test_workers_are_spread_over_the_cards_in_turn(pool: Pool) -> None:
    workers = pool(5, {}, "0,1,2")
    begun = [event for event in workers.run(jobs_in_order(seeds(5))) if isinstance(event, Started)]
    assert len(begun) == 5
    entries = Counter(worker.card.entry for worker in workers._pool.workers)
    assert all(entries[card] <= most for card, most in {"0": 2, "1": 2, "2": 1}.items())


def test_a_card_full_of_others_is_set_aside_and_its_job_runs_elsewhere(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    workers = pool(2, {"0": "is full of others"}, "0,1")
    events = list(workers.run(jobs_in_order(seeds(6))))
    assert [event.result for event in ended(events)] == [FINISHED] * 6
    assert set(where(events)) == {"1 (GPU-1-of-this-node)"}
    (said,) = caplog.messages
    assert said.startswith("GPU 0 is full of 70.0 GiB of other processes and is set aside for 60 s")


def test_after_a_while_a_card_that_was_full_is_tried_again(pool: Pool, tmp_path: Path) -> None:
    workers = pool(2, {"0": "is full of others"}, "0,1")
    list(workers.run(jobs_in_order(seeds(2))))
    (tmp_path / "0").write_text("")
    assert isinstance(workers.clock, Clock)
    workers.clock.now = ASIDE_SECONDS
    events = list(workers.run(jobs_in_order([job(seed=7), job(seed=8)])))
    assert "0 (GPU-0-of-this-node)" in where(events)


def test_a_job_without_room_beside_ours_has_a_card_to_itself_next(pool: Pool) -> None:
    workers = pool(2, {"0": "is full of ours"}, "0")
    events = list(workers.run(jobs_in_order(seeds(2))))
    assert [event.result for event in ended(events)] == [FINISHED] * 2
    assert sum(isinstance(event, Started) for event in events) == 3


def test_a_job_without_room_on_an_empty_card_has_that_for_its_result(pool: Pool) -> None:
    (event,) = ended(list(pool(1, {"0": "is too small"}, "0").run(jobs_in_order(seeds(1)))))
    assert isinstance(event.result, OutOfMemory)


def test_a_card_that_fails_is_taken_out_and_said_once(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        events = list(pool(16, {"2": "fails"}).run(jobs_in_order(seeds(24))))
    assert Counter(type(event.result) for event in ended(events)) == {Finished: 24}
    assert "2 (GPU-2-of-this-node)" not in where(events)
    (said,) = caplog.messages
    assert said == (
        "GPU 2 fails (AcceleratorError: CUDA error: uncorrectable ECC error encountered) and is "
        "taken out, 7 go on: reset it (nvidia-smi --gpu-reset) or start the node anew before the "
        "next run"
    )


def test_when_no_card_is_left_the_run_ends_with_one_line_and_no_result(pool: Pool) -> None:
    workers = pool(2, {"0": "fails", "1": "fails"}, "0,1")
    events: list[Event] = []
    with pytest.raises(UserError, match=r"needs a GPU that works, got 'none of 2 \(Accel.*ledger"):
        events.extend(workers.run(jobs_in_order(seeds(3))))
    assert ended(events) == []


def test_an_assertion_on_a_card_is_the_networks_own_failure(pool: Pool) -> None:
    workers = pool(1, {"0": "is asserted on"}, "0")
    (event,) = ended(list(workers.run(jobs_in_order(seeds(1)))))
    assert isinstance(event.result, Failed)
    assert "device-side assert triggered (logs/worker-0.log)" in event.result.reason
    assert [card.entry for card in workers._cards.working] == ["0"]


def test_a_worker_that_dies_on_card_5_is_replaced_there_and_its_death_counts(pool: Pool) -> None:
    workers = pool(8, {"5": "kills"})
    events = list(workers.run(jobs_in_order(seeds(8))))
    assert [event.result for event in ended(events)] == [FINISHED] * 8
    assert sum(isinstance(event, Started) for event in events) == 9
    (deaths,) = workers._deaths.values()
    assert deaths == 1
    after = ended(list(workers.run(jobs_in_order([job(seed=seed) for seed in range(8, 16)]))))
    assert "5 (GPU-5-of-this-node)" in where(after)


def test_at_rest_no_card_has_a_process_and_the_next_run_has_all_of_them(pool: Pool) -> None:
    workers = pool(8, {})
    for event in workers.run(jobs_in_order(seeds(8))):
        if isinstance(event, Ended):
            break  # the others are under way still
    workers.rest()
    assert workers._pool.workers == []
    assert len(set(where(list(workers.run(jobs_in_order(seeds(8))))))) == 8
