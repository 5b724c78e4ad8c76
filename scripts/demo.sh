#!/usr/bin/env bash
# The demo. What it talks to is said before anything is installed, so that it is the first thing anybody reads.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${ANTHROPIC_API_KEY:-}" ]; then
  echo 'ANTHROPIC_API_KEY is set: the agents talk to Claude, which costs a few cents.'
else
  echo 'ANTHROPIC_API_KEY is not set: the answers come from the bundled scripted model. Everything else is the real thing.'
fi
exec scripts/run.sh node scripts/demo.ts
