"""A FHIR server that is not ours, on this machine, for the demo and the tests."""

from integrations.sandbox.environment import SEKMET_VERSION, ensure_environment, sandbox_venv
from integrations.sandbox.errors import SandboxError
from integrations.sandbox.loading import LoadReport, load_bundle
from integrations.sandbox.server import SandboxServer

__all__ = [
    "SEKMET_VERSION",
    "LoadReport",
    "SandboxError",
    "SandboxServer",
    "ensure_environment",
    "load_bundle",
    "sandbox_venv",
]
