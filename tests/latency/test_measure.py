"""One process's work, on a fake device: warm-up, blocks, the plateau, what does not fit."""

from __future__ import annotations

from statistics import median

from scaling_search.arch.spec import Architecture
from scaling_search.latency.job import Regime
from scaling_search.latency.measure import (
    MIN_BLOCKS,
    measure,
    plateau,
    turn_iterations,
    warm_up_program,
)
from tests.latency.fakes import (
    ANCHOR,
    LARGE,
    SMALL,
    FakeClock,
    FakeDevice,
    FakeProgram,
    job,
    sittings,
    steady,
)

LAWS = {"anchor": steady(10.0), "small": steady(20.0), "large": steady(40.0)}


class FullForLarge(FakeDevice):
    """LARGE fits at no batch, others at 64."""

    def load(self, network: Architecture, regime: Regime, batch: int) -> FakeProgram:
        self.largest_batch = 0 if network is LARGE else 64
        return super().load(network, regime, batch)


def test_every_block_holds_the_anchor_and_each_network_once_in_shuffled_order() -> None:
    found = sittings(job(SMALL, LARGE), lambda _: LAWS)
    orders = set()
    for sitting in found:
        blocks = [
            [v.place for v in sitting.visits if v.block == block]
            for block in range(len(sitting.readings))
        ]
        assert all(sorted(block) == [0, 1, 2] for block in blocks)
        orders |= {tuple(block) for block in blocks}
    assert len(orders) > 2


def test_processes_shuffle_differently_and_the_same_process_alike() -> None:
    asked = job(SMALL, LARGE, processes=2)
    first, second = sittings(asked, lambda _: LAWS)
    again, _ = sittings(asked, lambda _: LAWS)
    assert first == again
    assert [v.place for v in first.visits] != [v.place for v in second.visits]


def test_warm_up_goes_on_until_two_windows_agree() -> None:
    clock = FakeClock()
    at_once = FakeProgram(steady(10.0), 1, clock, 1.0)
    assert warm_up_program(at_once, clock, patience=60.0)[:2] == (20, True)
    falling = FakeProgram(lambda i, b, now: max(10.0, 30.0 - i), 1, clock, 1.0)
    iterations, settled, times = warm_up_program(falling, clock, patience=60.0)
    assert (iterations, settled) == (40, True)
    assert median(times) == 10.0


def test_warm_up_ends_unsettled_when_patience_does() -> None:
    clock = FakeClock()
    program = FakeProgram(lambda i, b, now: 10.0 * 1.01**i, 1, clock, 1.0)
    _, settled, _ = warm_up_program(program, clock, patience=1.0)
    assert not settled


def test_blocks_fill_the_time_and_no_more_than_one_over() -> None:
    (sitting,) = sittings(job(SMALL, seconds=3.0, processes=1), lambda _: LAWS)
    # A turn: one untimed iteration and 100 ms' worth; a block takes 0.110 s + 0.120 s.
    assert len(sitting.readings) == 14


def test_a_slow_network_still_gets_its_least_blocks() -> None:
    laws = LAWS | {"small": steady(5000.0)}
    (sitting,) = sittings(job(SMALL, seconds=1.0, processes=1), lambda _: laws)
    assert len(sitting.readings) == MIN_BLOCKS


def test_a_turn_lasts_a_tenth_of_a_second_within_bounds() -> None:
    assert turn_iterations([10.0]) == 10
    assert turn_iterations([0.01]) == 50
    assert turn_iterations([500.0]) == 3


def test_the_plateau_is_where_doubling_gains_too_little() -> None:
    # 4 ms of overhead, 1 ms an image: doubling gains 67 % at first, 3.03 % to 128, 1.5 % to 256.
    device = FakeDevice({"small": lambda i, batch, now: 4.0 + batch}, FakeClock())
    batch, why = plateau(SMALL, Regime(batch="plateau"), device)
    assert batch == 128
    assert why == "batch 256 gains +1.5 %"


def test_out_of_memory_at_batch_64_leaves_the_plateau_at_32() -> None:
    laws = {name: lambda i, batch, now: 100.0 for name in LAWS}
    asked = job(SMALL, regime=Regime(batch="plateau"), processes=1)
    (sitting,) = sittings(asked, lambda _: laws, largest_batch=63)
    assert [seat.batch for seat in sitting.seats] == [32, 32]
    assert sitting.seats[1].limit == "out of memory at batch 64: tried to allocate 2 GiB"
    assert {v.place for v in sitting.visits} == {0, 1}


def test_a_fixed_batch_that_does_not_fit_is_a_failure_and_others_go_on() -> None:
    clock = FakeClock()
    device = FullForLarge(LAWS, clock)
    sitting = measure(job(SMALL, LARGE, regime=Regime(batch=64)), 0, None, device, clock)
    assert sitting.seats[2].failure == "out of memory at batch 64: tried to allocate 2 GiB"
    assert {v.place for v in sitting.visits} == {0, 1}


def test_later_processes_take_the_first_ones_batches() -> None:
    clock = FakeClock()
    device = FakeDevice(LAWS, clock)
    measure(job(SMALL, regime=Regime(batch="plateau")), 1, (4, 8), device, clock)
    assert device.loaded == [("anchor", 4), ("small", 8)]


def test_the_anchor_and_its_twin_are_both_timed() -> None:
    (sitting,) = sittings(job(ANCHOR, processes=1), lambda _: LAWS)
    assert {v.place for v in sitting.visits} == {0, 1}
