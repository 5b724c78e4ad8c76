#!/usr/bin/env bash
# pnpm in the project's version, for a machine that has nothing but npm.
exec npx --yes pnpm@12.21.0 "$@"
