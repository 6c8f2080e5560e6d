import os
from importlib.util import find_spec

# torch is in the extra `train`, which `make test` does not install; `make test-all` does, and must not hide this.
if find_spec("torch") is None and "TEST_ALL" not in os.environ:
    collect_ignore = ["test_canary.py"]
