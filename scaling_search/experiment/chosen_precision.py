"""A study's precision "auto", settled before any of its trainings is a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scaling_search.core.errors import require
from scaling_search.core.number_formats import Precision
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.precision_choice import PrecisionChoice
from scaling_search.latency.process_runner import machine_of


def with_precision(
    experiment: Experiment,
    out: Path,
    device: str,
    local: LocalBackend | None,
    say: Callable[[str], None],
) -> Experiment:
    """The experiment with the precision of its run directory, which is chosen now if it lacks one.

    `local` None: trainings run elsewhere, where nothing is tried. Raises UserError then, unless the
    choice is kept already.
    """
    choice = PrecisionChoice(out, machine_of(device) if local else "", say)
    hint = 'name "tf32" or "bfloat16"'
    rule = 'precision = "auto" is tried on this machine, not with --ray or torchrun'
    require(local is not None or choice.read() is not None, rule, "auto", hint)

    def rate(precision: Precision) -> float:
        tried = _at(experiment, precision)
        job = tried.network_job(tried.base, epochs=1, seed=0, phi=0.0)
        return local.images_per_second(job, device, out) if local else 0.0

    return _at(experiment, choice.precision(None if device == "cpu" else rate))


def with_likely_precision(
    experiment: Experiment, out: Path, on_cpu: bool, say: Callable[[str], None]
) -> Experiment:
    """The experiment as it can be planned: with what is kept, else float32 on a CPU, else tf32.

    Nothing is tried or kept.
    """
    if experiment.study.recipe.precision != "auto":
        return experiment
    likely = PrecisionChoice(out, "", say).read()
    if likely is None:
        likely = "float32" if on_cpu else "tf32"
        say(f'precision = "auto" is chosen when a run begins: planned in {likely}')
    return _at(experiment, likely)


def _at(experiment: Experiment, precision: Precision) -> Experiment:
    study = experiment.study
    recipe = replace(study.recipe, precision=precision)
    return replace(experiment, study=replace(study, recipe=recipe))
