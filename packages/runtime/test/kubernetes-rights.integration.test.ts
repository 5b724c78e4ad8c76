import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servesUser } from '@agentcrew/nats';
import { temporaryFolder } from '@agentcrew/testkit';
import {
  CoreV1Api,
  KubeConfig,
  loadYaml,
  RbacAuthorizationV1Api,
  type V1ClusterRole,
  type V1PolicyRule,
  type V1Role,
} from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { adminConfig, kubeconfig, never, openKubernetes, randomTeam } from './kubernetes-fixture.ts';
import { agentConfig, infraOf } from './local-fixture.ts';
import { startRecordingProxy } from './recording-proxy.ts';

const manifests = new URL('../../../deploy/kubernetes/', import.meta.url);
const readRole = async <T>(name: string): Promise<T> => loadYaml(await readFile(new URL(name, manifests), 'utf8'));

/** `create pods/portforward` is asked for by Kubernetes 1.35 and newer alone. */
const laterOnly = ['create pods/portforward'];

function rightsIn(rules: V1PolicyRule[] = []): string[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group ? `${group}/` : ''}${resource}`)),
    ),
  );
}

/** A user who has the rights of deploy/kubernetes and no others, in a namespace of its own as the server's is. */
async function makeServiceAccount(name: string, clusterRole: V1ClusterRole, role: V1Role): Promise<string> {
  const config = adminConfig();
  const core = config.makeApiClient(CoreV1Api);
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const subjects = [{ kind: 'ServiceAccount', name, namespace: name }];
  const apiGroup = 'rbac.authorization.k8s.io';
  await core.createNamespace({ body: { metadata: { name } } });
  await core.createNamespacedServiceAccount({ namespace: name, body: { metadata: { name } } });
  await rbac.createClusterRole({ body: { metadata: { name }, rules: clusterRole.rules } });
  await rbac.createClusterRoleBinding({
    body: { metadata: { name }, subjects, roleRef: { apiGroup, kind: 'ClusterRole', name } },
  });
  await rbac.createNamespacedRole({ namespace: name, body: { metadata: { name }, rules: role.rules } });
  await rbac.createNamespacedRoleBinding({
    namespace: name,
    body: { metadata: { name }, subjects, roleRef: { apiGroup, kind: 'Role', name } },
  });
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const { status } = await core.createNamespacedServiceAccountToken({ name, namespace: name, body });
  return status?.token ?? '';
}

async function removeServiceAccount(name: string): Promise<void> {
  const config = adminConfig();
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  await rbac.deleteClusterRoleBinding({ name });
  await rbac.deleteClusterRole({ name });
  await config.makeApiClient(CoreV1Api).deleteNamespace({ name });
}

/** The API server of the tests' cluster, with what it takes to trust it. */
function adminServer() {
  const { server = '', caData = '' } = adminConfig().getCurrentCluster() ?? {};
  const { hostname: host, port } = new URL(server);
  return { host, port: Number(port) || 443, ca: Buffer.from(caData, 'base64').toString() };
}

/** A kubeconfig for a token, with the proxy in the place of the API server. */
function kubeconfigFor(server: string, token: string, namespace: string): string {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server, skipTLSVerify: true }],
    users: [{ name: 'u', token }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u', namespace }],
    currentContext: 'x',
  });
  return config.exportConfig();
}

describe.skipIf(!kubeconfig)('the rights of deploy/kubernetes (needs Kubernetes)', () => {
  it('are all that the runtime needs, and it uses every one of them', { timeout: 240_000 }, async () => {
    const [clusterRole, role] = [
      await readRole<V1ClusterRole>('cluster-role.yaml'),
      await readRole<V1Role>('role.yaml'),
    ];
    await using folder = await temporaryFolder();
    await using fixture = await openKubernetes();
    await using proxy = await startRecordingProxy(adminServer());
    const team = randomTeam();
    const account = `rights-${team}`;
    const token = await makeServiceAccount(account, clusterRole, role);
    try {
      const file = join(folder.path, 'kubeconfig');
      await writeFile(file, kubeconfigFor(proxy.url, token, account), { mode: 0o600 });
      const name = 'pull';
      await fixture.core.createNamespacedSecret({ namespace: account, body: { metadata: { name }, type: 'Opaque' } });
      const runtime = await fixture.reopen({
        imagePullSecrets: [name],
        hostEnvironment: { KUBECONFIG: file },
      });

      await runtime.deployInfra(infraOf(team), never);
      const { url, user = '' } = await runtime.natsConnectUrl(team);
      const { hostname: host, port } = new URL(url);
      expect(await servesUser({ host, port: Number(port), user, password: infraOf(team).natsToken }, 5_000)).toBe(true);
      const config = { ...agentConfig(team, 'lead'), anthropic_base_url: 'http://192.0.2.1:4000' };
      const { id } = await runtime.deployAgent(config, never);
      await runtime.deployAgent({ ...config, instructions: 'be brief' }, never);
      expect(await Array.fromAsync(runtime.streamLogs(id, { tail: 5 }))).not.toEqual([]);
      const unschedulable = await fixture.reopen({
        nodeSelector: { 'no.such/node': 'x' },
        scheduleTimeoutMs: 3_000,
        hostEnvironment: { KUBECONFIG: file },
      });
      await expect(unschedulable.deployAgent(agentConfig(team, 'worker'), never)).rejects.toThrow('Unschedulable');
      expect(await runtime.listAgents()).toHaveLength(1);
      await runtime.removeAgent(id);
      await runtime.teardownInfra(team);
      await runtime.teardownInfra(team, { removeData: true });

      const granted = [...rightsIn(clusterRole.rules), ...rightsIn(role.rules)];
      const asked = [...proxy.asked];
      expect(asked.filter((right) => !granted.includes(right))).toEqual([]);
      expect(granted.filter((right) => !asked.includes(right) && !laterOnly.includes(right))).toEqual([]);
    } finally {
      await removeServiceAccount(account);
    }
  });
});
