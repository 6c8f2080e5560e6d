"""A running average of the trained weights: steadier than the last step's, and less sure of itself.

Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging"; with an exponential decay as in
Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization".
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


class WeightAverage:
    """An exponential moving average of ``parameters``, in float32.

    The decay grows to ``decay`` over the first steps, so that the average does not carry the start for long.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], decay: float) -> None:
        """``decay``: above 0 and below 1; about ``1 / (1 - decay)`` steps are averaged over."""
        if not 0.0 < decay < 1.0:
            raise ValueError(f"decay is {decay}: it lies between 0 and 1")
        self._parameters = list(parameters)
        self._decay = decay
        self._updates = 0
        self._average = [parameter.detach().float().clone() for parameter in self._parameters]

    def update(self) -> None:
        """Take the weights as they are now into the average."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for average, parameter in zip(self._average, self._parameters, strict=True):
            average.mul_(decay).add_(parameter.detach().float(), alpha=1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The averaged weights in the model, until the block ends."""
        trained = [parameter.detach().clone() for parameter in self._parameters]
        self._put(self._average)
        try:
            yield
        finally:
            self._put(trained)

    def state(self) -> dict[str, object]:
        """What ``restore`` needs to go on."""
        return {"updates": self._updates, "average": self._average}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from ``state()`` of an average over the same parameters."""
        self._updates = int(str(state["updates"]))
        kept = state["average"]
        assert isinstance(kept, list)
        for average, saved in zip(self._average, kept, strict=True):
            average.copy_(saved)

    def _put(self, weights: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            for parameter, weight in zip(self._parameters, weights, strict=True):
                parameter.copy_(weight.to(parameter.dtype))
