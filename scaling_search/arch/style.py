"""What all blocks of a network share: how a convolution is padded, normalised and activated."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scaling_search.arch.layers import (
    Activation,
    ActivationKind,
    Conv,
    Norm,
    NormKind,
    Sequence,
    sequence,
)


@dataclass(frozen=True)
class ConvDefaults:
    """What all blocks of a network share."""

    activation: ActivationKind
    norm: NormKind
    norm_eps: float
    norm_momentum: float
    same_padding: bool = False
    channel_divisor: int = 8

    def normalised(self, channels: int) -> Norm:
        """The normalisation of a map with so many channels."""
        return Norm(channels, self.norm, self.norm_eps, self.norm_momentum)

    def conv(self, conv: Conv, *, activated: bool = True) -> Sequence:
        """The convolution, its normalisation and, unless told otherwise, the activation."""
        return sequence(
            conv=replace(conv, same=True) if self.same_padding else conv,
            norm=self.normalised(conv.out_channels),
            activation=Activation(self.activation) if activated else None,
        )
