"""What a study's networks begin with: the weights that are found, and in words what fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.compare.methods import BASE, in_words
from scaling_search.core.errors import require
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.study import Study
from scaling_search.jobs.run_choices import CHOICES_FILE, RunChoices
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.nets.preservation import changes
from scaling_search.pretrained.initial import initial_weights


def found_weights(
    study: Study, info: DataInfo, report: Callable[[str], None]
) -> InitialWeights | None:
    """The weights that a study begins with; raises UserError where they can't be found."""
    if study.init is None:
        return None
    return initial_weights(study.init, cast(Architecture, study.base_for(info)), report)


def read_weights_of(study: Study, out: Path) -> InitialWeights | None:
    """The weights that a run directory's study began with; raises UserError when none are noted."""
    if study.init is None:
        return None
    initial = RunChoices.read(out).init
    rule = f"a run that begins with weights must name them in {CHOICES_FILE}"
    require(initial is not None, rule, str(out), "run the study first")
    return initial


def beginning(experiment: Experiment) -> Iterator[str]:
    """What fits the base of the weights that its study begins with, in sentences."""
    initial, base = experiment.initial, experiment.base
    if initial is None:
        return
    yield (
        f"networks begin with {initial.name}; the base takes "
        f"{initial.fit_of(cast(Architecture, base)).words}"
    )
    if initial.mean is None:
        yield f"how {initial.name} saw images is not known: by these images' own mean and deviation"
    if experiment.study.recipe.backbone_rate == 0:
        yield "backbone_rate = 0: blocks that scaling adds stay the identity they begin as"


def beginnings(experiment: Experiment, members: Sequence[Member]) -> Iterator[str]:
    """What fits each grown network of a comparison, and whether it computes what the base does."""
    initial, base = experiment.initial, cast(Architecture, experiment.base)
    for member in members if initial is not None else ():
        if member.method == BASE:
            continue
        network = cast(Architecture, member.architecture)
        reasons = changes(base, network)
        function = (
            f"another function, for {', '.join(reasons)}" if reasons else "the base's function"
        )
        yield (
            f"{in_words(member.method)}, φ = {member.phi:g}, begins with "
            f"{cast(InitialWeights, initial).fit_of(network).words}: {function}"
        )


def growth_caution(experiment: Experiment) -> tuple[str, ...]:
    """What a reader must know of methods that are compared from one network's weights."""
    if experiment.initial is None or not any(experiment.study.compare.phis):
        return ()
    return (
        "The weights are the base's: resolution grows with all of them, while what depth and width "
        "add begins untrained. So this says how a family is best fine-tuned, not how its networks "
        "would do if each had been trained as long as the base.",
    )
