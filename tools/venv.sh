# Sourced by run_demo.sh and run_tests.sh: one virtual environment for both.
# ensure_venv EXTRA... makes .venv and installs the package with those extras,
# unless that has been done for the same setup.cfg already.

step="start"
trap 'echo "$(basename "$0"): failed at: $step" >&2' ERR

ensure_venv() {
  local python="${PYTHON:-python3}" stamp extra
  step="finding Python 3.11 or newer (set PYTHON=/path/to/python3)"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
  if [ ! -x .venv/bin/python ]; then
    step="making .venv (on Debian: apt-get install python3-venv)"
    "$python" -m venv .venv
  fi
  for extra in "$@"; do
    stamp=".venv/.installed-$extra-$(cat setup.cfg pyproject.toml | sha256sum | cut -c1-16)"
    [ -e "$stamp" ] && continue
    step="installing the package with the extra '$extra' (needs PyPI)"
    echo "Installing ganad_tf[$extra] into .venv, about 600 MB to download once ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extra]"
    touch "$stamp"
  done
  export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
}
