"""Energy of a run, metered by CodeCarbon where it is installed. What was measured and what was estimated is said."""

from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

NOT_METERED = {"metered": "not metered: codecarbon is not installed"}


class EnergyMeter:
    """A context; afterwards ``result`` says kilowatt-hours by part and how each came about. No network is used."""

    def __init__(self) -> None:
        self.result: dict[str, Any] = dict(NOT_METERED)
        self._tracker: Any = None

    def __enter__(self) -> Self:
        if find_spec("codecarbon") is None:
            return self
        # The country only prices the energy in carbon, which is not reported.
        self._tracker = import_module("codecarbon").OfflineEmissionsTracker(
            country_iso_code="USA",
            output_methods=[],
            log_level="critical",
            measure_power_secs=15,
            allow_multiple_runs=True,
        )
        self._tracker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._tracker is None:
            return
        self._tracker.stop()
        data = getattr(self._tracker, "final_emissions_data", None)
        if (
            data is None
        ):  # codecarbon logs what goes wrong and goes on; no number is better than a made-up one
            self.result = {"metered": "not metered: codecarbon is installed but could not start"}
            return
        self.result = {
            "metered": "by codecarbon: this machine's processor, memory and GPUs, over the whole run; "
            "other programs that ran at the time are in it",
            "kwh": round(data.energy_consumed, 6),
            "kwh_cpu": round(data.cpu_energy, 6),
            "kwh_gpu": round(data.gpu_energy, 6),
            "kwh_ram": round(data.ram_energy, 6),
            "methods": sorted({_method(part) for part in getattr(self._tracker, "_hardware", [])}),
        }


def _method(part: Any) -> str:
    """How CodeCarbon came by one part's energy: a counter of the hardware, or an estimate."""
    kind = type(part).__name__
    mode = getattr(part, "_mode", None)
    if kind == "CPU":
        counters = {"intel_rapl", "intel_power_gadget"}
        return f"CPU: {'measured' if mode in counters else 'estimated'} ({mode})"
    if kind == "GPU":
        return "GPU: measured (driver's counter)"
    return f"{kind}: estimated"
