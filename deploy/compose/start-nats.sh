#!/bin/sh
# Starts nats-server of the compose stack. /accounts is a volume shared with the API, which runs as user 1000: here it
# learns the token of the system account, and there it writes the accounts of the teams.
set -eu
umask 077

token=${NATS_AUTH_TOKEN:-}
[ -n "$token" ] || token=$(cat /accounts/token 2>/dev/null || od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
case $token in
  *[!A-Za-z0-9_-]*)
    echo 'NATS_AUTH_TOKEN may have letters, digits, "-" and "_" only' >&2
    exit 1
    ;;
esac
printf %s "$token" >/accounts/token
printf 'nats://agentcrew:%s@nats:4222' "$token" >/accounts/url
printf 'system: { users: [ { user: agentcrew, password: "%s" } ] }\n' "$token" >/accounts/system.conf
[ -s /accounts/teams.json ] || echo '{}' >/accounts/teams.json
chown -R 1000:1000 /accounts

unset NATS_AUTH_TOKEN
exec nats-server --config /etc/agentcrew/nats.conf
