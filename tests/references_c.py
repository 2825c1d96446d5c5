"""Starts `c_api.py` in a process without packages, and reads its answer."""

import importlib.util
import json
import os
import subprocess
import sys


def run(saved_model, pixels, folder):
    path = os.path.join(folder, "pixels")
    pixels.astype("float32").tofile(path)
    package = importlib.util.find_spec("tensorflow").origin
    site_packages = os.path.dirname(os.path.dirname(package))
    script = os.path.join(os.path.dirname(__file__), "c_api.py")
    answer = subprocess.run(
        [
            sys.executable,
            "-S",
            script,
            site_packages,
            saved_model,
            path,
            *map(str, pixels.shape[1:]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout.splitlines()[-1])
