#!/bin/sh
# Gathers as wheels what an image with torch usually lacks of our dependencies, for a GPU node
# that has no package index: benchmarks/gpu_wheels.sh FOLDER [PYTHON-VERSION, such as 3.12]
# Versions are those of constraints.txt. docs/gpu-node.md says how they are used there.
set -eu

folder=${1:?"usage: benchmarks/gpu_wheels.sh FOLDER [PYTHON-VERSION]"}
version=${2:-3.12}
root=$(dirname "$0")/..
pip="${PYTHON:-python3} -m pip --disable-pip-version-check"

# Pure Python, and two (SQLAlchemy, pydantic_core) that are compiled for one version of Python.
ready="optuna alembic SQLAlchemy Mako colorlog yacs termcolor pydantic pydantic_core annotated-types
  typing-inspection platformdirs tomli_w typer annotated-doc shellingham typing_extensions filelock
  portalocker tabulate"
# These are published as source alone.
built="fvcore iopath"

mkdir -p "$folder"
# shellcheck disable=SC2086 (each list is words)
$pip download --dest "$folder" --no-deps --only-binary :all: --implementation cp \
  --python-version "$version" --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
  --constraint "$root/constraints.txt" $ready
# shellcheck disable=SC2086
$pip wheel --wheel-dir "$folder" --no-deps --constraint "$root/constraints.txt" $built
ls -l "$folder"
