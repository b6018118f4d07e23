"""The interpreter, then each package installed for it: a line NAME VERSION each."""

import platform
import sys
from importlib.metadata import distributions

pypy = getattr(sys, "pypy_version_info", None)
version = ".".join(map(str, pypy[:3])) if pypy else platform.python_version()
print(platform.python_implementation(), version)
for name, version in sorted({(d.metadata["Name"], d.version) for d in distributions()}):
    print(name, version)
