import { existsSync } from 'node:fs';

/**
 * Kubeconfig of a cluster that tests may use: the file that `KUBECONFIG` names, if it is there. `~/.kube/config` does not
 * count, because tests make and delete things in the cluster, and somebody may work in that one.
 */
export function testKubeconfig(): string | undefined {
  const file = process.env.KUBECONFIG;
  return file && existsSync(file) ? file : undefined;
}
