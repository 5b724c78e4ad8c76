#!/usr/bin/env bash
# build-image.sh api|sidecar TAG: builds agentcrew-<name>:<TAG> from Dockerfile.<name>.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
tag=$2
command -v docker >/dev/null || {
  echo 'docker was not found. Install Docker: https://docs.docker.com/engine/install' >&2
  exit 1
}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
exec docker build -f "Dockerfile.$name" -t "agentcrew-$name:$tag" \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" .
