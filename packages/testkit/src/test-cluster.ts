import { existsSync } from 'node:fs';

/**
 * The kubeconfig of the cluster that tests may use, when KUBECONFIG names a file that is there. What kubectl would
 * find without it, `~/.kube/config`, is passed over: it may well lead to a cluster with other people's work in it, and
 * `make test` must not touch that only because it is there.
 */
export function testKubeconfig(): string | undefined {
  const { KUBECONFIG: file } = process.env;
  return file && existsSync(file) ? file : undefined;
}
