"""A network of a comparison as a study of its own: what trains it again, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import tomli_w

from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.compare.trainings import Trainings
from scaling_search.core import toml_config
from scaling_search.experiment.comparison import Comparison, Timing
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.search.gate import Gate

_WRITTEN = ("name", "base", "network", "init", "data", "compare", "recipe", "timing")


def network_study(study: Study, member: Member, trainings: Trainings) -> Study | None:
    """The study that asks for exactly the trainings of this network that are compared.

    Its jobs have the same hashes: run beside the ledger of the whole study, it trains nothing.
    None for a network that no table describes.
    """
    network, (job, *_) = member.architecture, trainings.compared(member)
    if not isinstance(network, Architecture):
        return None
    init = study.init
    if init is not None and job.initial is not None:
        init = replace(init, source=job.initial.source)
    compare = Comparison(
        phis=(0.0,),
        rivals=(),
        epochs=job.epochs,
        seeds=len(trainings.seeds),
        first_seed=trainings.seeds[0],
        vary_split=study.compare.vary_split,
        constants=Coefficients(1, 1, 1),
    )
    return Study(
        name=f"{study.name}-{member.method}-phi{member.phi:g}",
        base=network.name,
        network=network,
        init=init,
        data=study.data,
        gate=Gate(0),
        compare=compare,
        recipe=job.recipe,
        timing=Timing(0.0),
    )


def network_study_toml(study: Study) -> str:
    """Such a study as TOML, without the tables of a search that it does not have."""
    values = toml_config.parsed(to_toml(study), study.name)
    return tomli_w.dumps({key: values[key] for key in _WRITTEN if key in values})
