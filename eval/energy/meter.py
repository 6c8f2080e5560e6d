"""How much energy a piece of work took: CodeCarbon around it, offline, and what it could read said in words.

CodeCarbon reads the processor's own counter (RAPL) and a GPU's (NVML) where they can be read. Where the processor has
none, as in most virtual machines, it assumes a power from the processor's name; that power times the processor time of
this process and those it started is ``modelled``, never ``measured``. The time is read at both ends of the block and
not taken from CodeCarbon, which samples the load once a second and on a busy machine was off by a factor of 1.8. Its
figure for memory is always a guess from the memory's size (10 W at least, whatever is done): it is kept apart in
``ram_wh`` and not part of ``wh``.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Literal

from pydantic import Field

from data_schemas._base import Frozen
from eval.energy.processor_time import processor_seconds

Source = Literal["measured", "modelled"]

_WH = 1000.0  # CodeCarbon counts in kWh
_SECONDS_AN_HOUR = 3600.0
_COUNTERS = {"intel_rapl", "windows_emi"}
_EVERY_SECONDS = 15.0  # a package counter wraps after minutes at full load; read it well before


class EnergyError(RuntimeError):
    """The energy could not be had as asked; says why and what to do."""


class Reading(Frozen):
    """What one metered piece of work took. Energies in watt-hours, idle power included where a counter was read.

    ``wh``: processor and GPU together. ``ram_wh``: CodeCarbon's guess for memory, not in ``wh``. ``processor_seconds``:
    processor time of this process and those it started, so that a reader can put in another power.
    """

    source: Source
    meter: str
    seconds: float = Field(gt=0)
    cpu_wh: float = Field(ge=0)
    gpu_wh: float = Field(ge=0)
    ram_wh: float = Field(ge=0)
    processor_seconds: float = Field(ge=0)

    @property
    def wh(self) -> float:
        """Processor and GPU."""
        return self.cpu_wh + self.gpu_wh


class Metered:
    """What ``metered`` gives: ``reading`` is there after the block."""

    def __init__(self) -> None:
        self._reading: Reading | None = None

    @property
    def reading(self) -> Reading:
        """The energy of the block.

        Raises:
            EnergyError: the block has not ended.
        """
        if self._reading is None:
            raise EnergyError("the work has not ended: read the energy after the `with` block")
        return self._reading


@contextmanager
def metered(cpu_watts: float | None = None) -> Iterator[Metered]:
    """Meter what is done inside the block.

    No network, no file but in a temporary folder that is removed, and no setting taken from a CodeCarbon
    configuration file of the user: everything that such a file could switch on is given here.

    Args:
        cpu_watts: power of all cores at full load, for the model; it switches a processor's counter off.

    Raises:
        EnergyError: CodeCarbon did not start, or gave no figure (it hides its own errors).
    """
    taken = Metered()
    with tempfile.TemporaryDirectory(prefix="triage-energy-") as folder:
        tracker = _tracker(folder, cpu_watts)
        tracker.start()
        began, worked = time.perf_counter(), processor_seconds()
        try:
            yield taken
            processor, seconds = processor_seconds() - worked, time.perf_counter() - began
        finally:
            tracker.stop()
        taken._reading = _reading(tracker, seconds, processor)


def idle_watts(seconds: float = 2.0, cpu_watts: float | None = None) -> float:
    """Power that the meter sees while this process sleeps: what a counter says of the machine, 0 from the model."""
    with metered(cpu_watts) as taken:
        time.sleep(seconds)
    return taken.reading.wh * _SECONDS_AN_HOUR / taken.reading.seconds


def _tracker(folder: str, cpu_watts: float | None) -> Any:
    try:
        from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise EnergyError("codecarbon is not installed: pip install 'ed-triage-agent[eval]'") from None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    tracker = OfflineEmissionsTracker(
        project_name="triage",
        country_iso_code="USA",  # asked for; no emissions are computed from it
        region=None,
        cloud_provider=None,
        cloud_region=None,
        country_2letter_iso_code=None,
        force_carbon_intensity_g_co2e_kwh=0,
        electricitymaps_api_token="",  # not None: then an old token in a configuration file would be used
        output_dir=folder,
        output_methods=[],
        output_handlers=[],
        emissions_endpoint=None,
        api_call_interval=-1,
        measure_power_secs=_EVERY_SECONDS,
        tracking_mode="process",  # of the model: others on the machine do not count
        force_cpu_power=cpu_watts,
        force_ram_power=None,
        force_mode_cpu_load=False,
        gpu_ids=None,
        pue=1.0,
        wue=0.0,
        rapl_include_dram=False,
        rapl_prefer_psys=False,
        allow_multiple_runs=True,
        metadata=None,
        logger_preamble="",
        log_level="critical",
    )
    if not hasattr(tracker, "_start_time"):
        raise EnergyError("CodeCarbon could not be set up: check its version against constraints.txt")
    return tracker


def _reading(tracker: Any, seconds: float, processor: float) -> Reading:
    data = getattr(tracker, "final_emissions_data", None)
    hardware = getattr(tracker, "_hardware", [])
    cpu = next((item for item in hardware if type(item).__name__ == "CPU"), None)
    gpu = next((item for item in hardware if type(item).__name__ == "GPU"), None)
    if data is None or cpu is None:
        raise EnergyError(
            "CodeCarbon gave no figure for the processor: check its version against constraints.txt"
        )
    counted = cpu._mode in _COUNTERS
    return Reading(
        source="measured" if counted else "modelled",
        meter=f"CodeCarbon {version('codecarbon')}: {_cpu_words(cpu, counted)}; {_gpu_words(gpu)}; memory not counted",
        seconds=seconds,
        processor_seconds=processor,
        cpu_wh=data.cpu_energy * _WH if counted else cpu._tdp * processor / cpu._cpu_count / _SECONDS_AN_HOUR,
        gpu_wh=data.gpu_energy * _WH,
        ram_wh=data.ram_energy * _WH,
    )


def _cpu_words(cpu: Any, counted: bool) -> str:
    if counted:
        return "processor package by its own counter (RAPL), the machine's idle power and other work included"
    return (
        f"processor modelled, not metered: {cpu._tdp:g} W assumed for all {cpu._cpu_count} threads at full load "
        f"({cpu._model}) times the share of processor time of this process and those it started, nothing for idling"
    )


def _gpu_words(gpu: Any) -> str:
    if gpu is None:
        return "no GPU found"
    return "GPU by its own counter (NVML), its idle power included"
