"""What others have published: the paper's constants and tables, each figure with its source.

`macs_g` are thousands of millions of multiply-adds, which the paper prints as FLOPs; `top1` and
`top5` are percent on ImageNet's validation set, single crop.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from io import StringIO

from scaling_search.arch.scaling import Coefficients

# Source keys: T2, T3, T7 are tables of arXiv 1905.11946v5.
TABLES = """\
source,base,model,method,depth,width,resolution_factor,resolution_px,dropout,params_m,macs_g,top1,top5
T2,efficientnet_b0,b0,compound,1.0,1.0,,224,0.2,5.3,0.39,77.1,93.3
T2,efficientnet_b0,b1,compound,1.1,1.0,,240,0.2,7.8,0.70,79.1,94.4
T2,efficientnet_b0,b2,compound,1.2,1.1,,260,0.3,9.2,1.0,80.1,94.9
T2,efficientnet_b0,b3,compound,1.4,1.2,,300,0.3,12,1.8,81.6,95.7
T2,efficientnet_b0,b4,compound,1.8,1.4,,380,0.4,19,4.2,82.9,96.4
T2,efficientnet_b0,b5,compound,2.2,1.6,,456,0.4,30,9.9,83.6,96.7
T2,efficientnet_b0,b6,compound,2.6,1.8,,528,0.5,43,19,84.0,96.8
T2,efficientnet_b0,b7,compound,3.1,2.0,,600,0.5,66,37,84.3,97.0
T3,mobilenet_v1,base,base,1,1,1,224,,,0.6,70.6,
T3,mobilenet_v1,w2,width,1,2,1,,,,2.2,74.2,
T3,mobilenet_v1,r2,resolution,1,1,2,,,,2.2,72.7,
T3,mobilenet_v1,compound,compound,1.4,1.2,1.3,,,,2.3,75.6,
T3,mobilenet_v2,base,base,1,1,1,224,,,0.3,72.0,
T3,mobilenet_v2,d4,depth,4,1,1,,,,1.2,76.8,
T3,mobilenet_v2,w2,width,1,2,1,,,,1.1,76.4,
T3,mobilenet_v2,r2,resolution,1,1,2,,,,1.2,74.8,
T3,mobilenet_v2,compound,compound,,,,,,,1.3,77.4,
T3,resnet50,base,base,1,1,1,224,,,4.1,76.0,
T3,resnet50,d4,depth,4,1,1,,,,16.2,78.1,
T3,resnet50,w2,width,1,2,1,,,,14.7,77.7,
T3,resnet50,r2,resolution,1,1,2,,,,16.4,77.5,
T3,resnet50,compound,compound,,,,,,,16.7,78.8,
T7,efficientnet_b0,base,base,1,1,1,224,,,0.4,77.3,
T7,efficientnet_b0,d4,depth,4,1,1,,,,1.8,79.0,
T7,efficientnet_b0,w2,width,1,2,1,,,,1.8,78.9,
T7,efficientnet_b0,r2,resolution,1,1,2,,,,1.9,79.1,
T7,efficientnet_b0,compound,compound,1.4,1.2,1.3,,,,1.8,81.1,
"""

# Section 4.1 of the paper: the grid search at φ = 1 under α·β²·γ² ≈ 2.
PAPER_CONSTANTS = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)


@dataclass(frozen=True)
class Published:
    """One row of a published table; None where the source prints nothing."""

    source: str
    base: str
    model: str
    method: str
    depth: float | None
    width: float | None
    resolution_factor: float | None
    resolution_px: float | None
    dropout: float | None
    params_m: float | None
    macs_g: float | None
    top1: float | None
    top5: float | None


@cache
def published_networks() -> tuple[Published, ...]:
    """All published rows, in the order of the tables.

    Examples:
        >>> from scaling_search.arch.paper import published_networks
        >>> b7 = next(row for row in published_networks() if row.model == "b7")
        >>> b7.source, b7.params_m, b7.macs_g, b7.top1
        ('T2', 66.0, 37.0, 84.3)
    """
    return tuple(_row(line) for line in csv.DictReader(StringIO(TABLES)))


def _row(line: dict[str, str]) -> Published:
    source, base, model, method, *numbers = line.values()
    return Published(
        source, base, model, method, *(float(text) if text else None for text in numbers)
    )


@dataclass(frozen=True)
class Official:
    """How the authors made a member of the EfficientNet family from B0 (Table 2 and their code)."""

    model: str
    depth: float
    width: float
    resolution_px: int
    dropout: float


@cache
def officials() -> tuple[Official, ...]:
    """B0 to B7 with the hand-picked multipliers, resolutions and dropout rates.

    Examples:
        >>> from scaling_search.arch.paper import officials
        >>> [(each.model, each.resolution_px) for each in officials()][:3]
        [('b0', 224), ('b1', 240), ('b2', 260)]
    """
    return tuple(
        Official(row.model, row.depth, row.width, int(row.resolution_px), row.dropout)
        for row in published_networks()
        if row.source == "T2"
        # Table 2 is whole; the type of a row allows for tables that are not.
        if row.depth and row.width and row.resolution_px and row.dropout
    )
