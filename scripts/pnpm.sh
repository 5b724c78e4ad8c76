#!/usr/bin/env bash
# pnpm in the project's version, for a machine that has nothing but npm.
NPM_CONFIG_UPDATE_NOTIFIER=false exec npx --yes pnpm@12.21.0 "$@"
