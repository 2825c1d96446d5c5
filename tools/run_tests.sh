#!/usr/bin/env bash
# Runs all tests: bash tools/run_tests.sh [pytest arguments, such as -k pyramid]
set -Eeuo pipefail
cd "$(dirname "$0")/.."
source tools/venv.sh
ensure_venv test
step="checking the style with ruff"
.venv/bin/ruff check --quiet ganad_tf tests tools
.venv/bin/ruff format --quiet --check ganad_tf tests tools
step="running the tests"
# A file stays in one process, for what its tests share.
.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
