"""Loading the model's runtime tells nobody of it."""

import os
import subprocess
import sys
from importlib.metadata import version

WATCHED = """
import sys, time
met, watched = [], ("socket.connect", "socket.getaddrinfo", "os.fork", "urllib.Request", "subprocess.Popen")
sys.addaudithook(lambda name, args: met.append(name) if name in watched else None)
import triage.slm.embedded
import openvino
time.sleep(1)
print(sorted(name for name in sys.modules if name.startswith("openvino_telemetry.")), met)
"""


def test_the_engine_reports_no_use(tmp_path):
    assert version("openvino-telemetry")  # it is installed, for OpenVINO asks for it
    environment = {**os.environ, "HOME": str(tmp_path)}
    for name in ("CI", "TF_BUILD", "JENKINS_URL"):  # where these are set the package keeps quiet by itself
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == "[] []"
    assert list(tmp_path.iterdir()) == []
