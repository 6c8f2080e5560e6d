"""Serving the triage model through vLLM: the folder it loads, its environment, its process.

The client is ``triage.slm.vllm``. Of the network this package uses this machine's own address and pip only.
"""

from triage.slm.serving.balancer import BalancerOptions, haproxy_config
from triage.slm.serving.environment import (
    DEFAULT_VENV,
    VLLM_VERSION,
    Device,
    detect_device,
    ensure_environment,
    environment_ready,
)
from triage.slm.serving.errors import ServeError
from triage.slm.serving.folder import build_served, served_folder
from triage.slm.serving.key import ensure_key
from triage.slm.serving.manifest import ServedFolder, ServedName, ServedSource, read_manifest, verify
from triage.slm.serving.options import ServeOptions
from triage.slm.serving.replicas import Replicas
from triage.slm.serving.server import ModelServer, start_server

__all__ = [
    "DEFAULT_VENV",
    "VLLM_VERSION",
    "BalancerOptions",
    "Device",
    "ModelServer",
    "Replicas",
    "ServeError",
    "ServeOptions",
    "ServedFolder",
    "ServedName",
    "ServedSource",
    "build_served",
    "detect_device",
    "ensure_environment",
    "ensure_key",
    "environment_ready",
    "haproxy_config",
    "read_manifest",
    "served_folder",
    "start_server",
    "verify",
]
