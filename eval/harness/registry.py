"""What Inspect finds of this project: the provider ``triage/`` and the tasks ``triage/ktas`` and so on.

Inspect names a package's tasks after the top-level package that they are in, which is ``eval`` here; they are entered
under ``triage`` too, the name that the provider has.
"""

from functools import partial
from typing import Any

from inspect_ai._util.registry import REGISTRY_INFO, RegistryInfo, registry_add, registry_info

from eval import tasks
from eval.harness import provider

__all__ = ["provider", "tasks"]

TASKS = ("ktas", "nhamcs", "esi", "semigran", "fhir", "mimic", "samples")


def _enter(name: str) -> None:
    own: Any = getattr(tasks, name)
    info = registry_info(own)
    alias = partial(own)
    alias.__dict__[REGISTRY_INFO] = info
    registry_add(alias, RegistryInfo(type="task", name=f"triage/{name}", metadata=info.metadata))


for _name in TASKS:
    _enter(_name)
