#!/usr/bin/env bash
# run.sh COMMAND…: sets up what is missing, then becomes the command, with the project's Node, tools and nats-server
# on the PATH. Becoming it, instead of waiting for it, lets Ctrl-C and exit codes pass unchanged.
set -euo pipefail
cd "$(dirname "$0")/.."

nats_server=$(scripts/setup.sh)
export PATH="$PWD/node_modules/.bin:$PATH:$(dirname "$nats_server")"
exec "$@"
