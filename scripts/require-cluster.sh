#!/usr/bin/env bash
# Fails, and says what to do, unless KUBECONFIG names a cluster that answers. What kubectl would use without it is passed
# over on purpose: see packages/testkit/src/test-cluster.ts.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

[ -n "${KUBECONFIG:-}" ] || fail 'Set KUBECONFIG to the kubeconfig of a cluster for tests.'
[ -f "$KUBECONFIG" ] || fail "KUBECONFIG: there is no file $KUBECONFIG."
command -v kubectl >/dev/null || fail 'kubectl was not found. Install it: https://kubernetes.io/docs/tasks/tools'
answer=$(kubectl --request-timeout=15s get --raw /readyz 2>&1) || fail "The cluster of $KUBECONFIG does not answer: $answer"
