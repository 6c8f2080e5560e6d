"""The clinical core and the model."""

import sys
from types import ModuleType
from typing import cast

# OpenVINO's package tells its maker's analytics of every import, from a process of its own, unless this module cannot
# be had; it has a stand-in for that case. Nothing leaves a hospital's machine that the hospital has not configured.
sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))
