#!/usr/bin/env bash
# Installs what the project needs and prints the path of nats-server. Quick and quiet when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$@"
  exit 1
}

check_node() {
  local how='Install Node.js 20 or newer with npm, from https://nodejs.org or your package manager.'
  command -v node >/dev/null || fail "Node.js was not found. $how"
  command -v npx >/dev/null || fail "npm was not found beside $(command -v node). $how"
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "This is Node.js $(node -v), which is too old. $how"
}

# What an installation depends on; another value means that it has to be done again.
fingerprint() {
  uname -sm
  cat pnpm-lock.yaml pnpm-workspace.yaml | cksum
}

install_packages() {
  local stamp=node_modules/.agentcrew-setup
  local wanted
  wanted=$(fingerprint)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return

  if [ ! -d node_modules ]; then
    say 'Installing packages: about 300 MB the first time (the Claude Code CLI is most of it). This takes a minute or two.'
  fi
  scripts/pnpm.sh install --frozen-lockfile --config.confirm-modules-purge=false >&2 ||
    fail 'The packages could not be installed. The lines above say why; then run the same command again.'
  check_installed
  printf '%s\n' "$wanted" >"$stamp"
}

# Both are optional dependencies: pnpm passes over them in silence where they do not exist or cannot be fetched.
check_installed() {
  local path="$PWD/node_modules/.bin:$PATH"
  PATH="$path" node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)' ||
    fail "AgentCrew runs on Node.js 22.18 or newer, and for $(uname -sm) none could be installed here. Install one."
  PATH="$path" node -e 'import("./packages/claude/src/find-claude.ts").then(({ findClaude }) => findClaude())' 2>/dev/null ||
    fail 'The Claude Code CLI (package @anthropic-ai/claude-code) was not installed. Check the network and run the same command again.'
}

check_node
install_packages
exec scripts/setup-nats.sh
