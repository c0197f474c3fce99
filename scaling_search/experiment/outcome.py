"""What a run found, from what its ledger holds: frames, and the report drawn of them."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from scaling_search.compare.gains import gains
from scaling_search.compare.rates import RateCheck
from scaling_search.core import toml_config
from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo
from scaling_search.experiment.beginning import read_weights_of
from scaling_search.experiment.evidence import evidence_of
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.report_source import report_source
from scaling_search.experiment.study import with_images
from scaling_search.experiment.study_file import read_study
from scaling_search.jobs.ledger import Ledger
from scaling_search.report.answer import missing_sentence
from scaling_search.report.report_files import ReportPaths, existing_report, write_report
from scaling_search.search.constants import Constants
from scaling_search.search.gate import GateFinding

_INFO = TypeAdapter(DataInfo)


@dataclass(frozen=True)
class Outcome:
    """What a run found: the constants (None when they were given), tables, and the report.

    `runs` has one row a training of the comparison, `search` one a candidate tried, `curves` one an
    epoch, `gains` one a φ and rival; accuracies are fractions, gains percentage points. `cautions`
    are sentences on how far the constants are to be trusted. `rates` is what each network came to
    at each learning rate, where several are checked; `gate` what speaks against the proxy (None:
    the gate was not run). `left_out` is a sentence on what a limit of hours left out.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import Coefficients, DataRequest, Study, run
        >>> from scaling_search.experiment.comparison import Comparison, Timing
        >>> paper = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
        >>> compare = Comparison(phis=(0, 1), rivals=("width",), epochs=1, seeds=1, constants=paper)
        >>> data = DataRequest(train_images=100, test_images=20)
        >>> study = Study("tiny", base="nano", data=data, compare=compare, timing=Timing(seconds=0))
        >>> outcome = run(study, Path("runs/tiny"), workers=0)
        >>> outcome.gains["verdict"].tolist(), outcome.constants is None
        (['single run'], True)
    """

    constants: Constants | None
    runs: pd.DataFrame
    search: pd.DataFrame
    curves: pd.DataFrame
    gains: pd.DataFrame
    report: ReportPaths
    cautions: tuple[str, ...] = ()
    rates: RateCheck | None = None
    gate: tuple[GateFinding, ...] | None = None
    left_out: str = ""

    def _repr_html_(self) -> str | None:
        """The report, inside a notebook's cell; None where its file is gone."""
        if not self.report.html.is_file():
            return None
        page = html.escape(self.report.html.read_text(encoding="utf-8"))
        frame = (
            'width="100%" height="800" style="border: 0" sandbox="allow-scripts allow-downloads"'
        )
        return f'<iframe srcdoc="{page}" {frame}></iframe>'


def redraw(out: Path | str, *, function: str | None = None) -> Outcome:
    """Write the report of a run directory again from its ledger, training nothing.

    `function` must be given again where the base is a function of the user's. Of a run that is not
    finished the report says what is missing. Raises UserError when the directory holds no run.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import UserError
        >>> from scaling_search.experiment.outcome import redraw
        >>> try:
        ...     redraw(Path("runs/none"))
        ... except UserError as error:
        ...     print(str(error).partition(", got")[0])
        a study file must be readable
    """
    out = Path(out)
    experiment = read_experiment(out, function=function)
    with Ledger(out / "ledger.jsonl") as ledger:
        return report_of(experiment, ledger, out)


def read_experiment(
    out: Path, *, function: str | None = None, root: str | None = None
) -> Experiment:
    """The experiment of a run directory, its images at `root` where they have moved.

    Raises UserError when there is none.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.experiment.outcome import read_experiment
        >>> experiment = read_experiment(Path("results/cifar10"))
        >>> experiment.info.name, len(experiment.info.classes)
        ('imagefolder', 10)
    """
    study = with_images(read_study(out / "study.toml", function=function), root, False)
    try:
        info = _INFO.validate_json(toml_config.decoded((out / "data.json").read_bytes()))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise UserError(
            f"a run directory holds study.toml and data.json, got {str(out)!r}: run the study first"
        ) from None
    experiment = Experiment(study, info, initial=read_weights_of(study, out))
    if not study.asks_latency:
        return experiment
    ledger = out / "ledger.jsonl"
    return experiment.knowing(Ledger.snapshot(ledger).timings()) if ledger.exists() else experiment


def kept_report(experiment: Experiment, out: Path) -> ReportPaths | None:
    """The report in a run directory, where it needn't be drawn again; None where it must be.

    It was drawn from the same run by the same code, and no file of it has been edited since.
    """
    return existing_report(out, report_source(experiment, out))


def report_of(
    experiment: Experiment,
    ledger: Ledger,
    out: Path,
    *,
    concluded: Constants | None = None,
    kept: ReportPaths | None = None,
) -> Outcome:
    """Tables, figures and page from what the ledger holds, and what is missing there.

    `concluded` is what the ledger's search concludes, where that is known already; `kept` is what
    `kept_report` gave, which is not drawn again.
    """
    # Looked at first: what a run adds meanwhile makes another source, never another's report.
    source = "" if kept else report_source(experiment, out)
    evidence = evidence_of(experiment, ledger, out, concluded)
    report = kept or write_report(evidence, out, source=source)
    runs, answers = evidence.runs, (evidence.cautions, evidence.rates, evidence.gate)
    frames = (runs, evidence.search, evidence.curves, gains(runs))
    left_out = (
        ""
        if evidence.limit_hours is None
        else missing_sentence(evidence.missing, evidence.limit_hours)
    )
    return Outcome(evidence.constants, *frames, report, *answers, left_out)
