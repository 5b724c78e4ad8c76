#!/usr/bin/env bash
# build-image.sh api|sidecar TAG: builds agentcrew-<name>:<TAG> from Dockerfile.<name>.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
tag=$2
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
[ -f "Dockerfile.$name" ] || fail "There is no Dockerfile.$name in this version: agents run as local processes (RUNTIME=local)."
command -v docker >/dev/null || fail 'docker was not found. Install Docker: https://docs.docker.com/engine/install'
exec docker build -f "Dockerfile.$name" -t "agentcrew-$name:$tag" .
