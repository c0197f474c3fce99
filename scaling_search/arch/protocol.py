"""What search, comparison and training need to know of a network, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from scaling_search.arch.spec import Stage


class Network(Protocol):
    """A network as a value: equal values are the same network, whatever they are called.

    `Architecture` is one, described by a table of stages; `cost.custom_network` has another,
    made by a function of the user's.
    """

    @property
    def name(self) -> str:
        """What it is called; part of no comparison."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Its table, empty where it has none."""

    @property
    def resolution_px(self) -> int:
        """The side of its images."""

    @property
    def in_channels(self) -> int:
        """The channels of its images."""

    @property
    def num_classes(self) -> int:
        """The number of its logits."""

    @property
    def total_stride(self) -> int:
        """The smallest side that its images may have."""

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for it in files."""

    def with_name(self, name: str) -> Self:
        """The same network under another name."""

    def __hash__(self) -> int:
        """Equal for equal networks."""


class SelfScalingNetwork(Network, Protocol):
    """A network that no table describes: it scales, counts and builds itself."""

    def deeper(self, depth: float) -> Self:
        """The network so many times deeper."""

    def wider(self, width: float) -> Self:
        """The network so many times wider."""

    def finer(self, resolution: float) -> Self:
        """The network for images with sides so many times larger."""

    def costs(self) -> tuple[int, int, int]:
        """Its MACs, parameters and activations."""

    def module(self) -> object:
        """It as a torch module with fresh weights."""
