import { isIP } from 'node:net';
import type {
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import { natsPort } from '../shared/nats-config.ts';
import { label, teamLabels } from './labels.ts';
import { namespaceOf } from './names.ts';
import { natsLabels } from './nats-objects.ts';

const https = 443;
const gatewayPolicyName = 'model-gateway';
/** Label of the server's own pods, as deploy/kubernetes has it. */
const apiPods = { 'app.kubernetes.io/name': 'agentcrew-api' };

export interface PolicyPlan {
  instance: string;
  team: string;
  /** Namespace of a server that runs in the cluster; one outside comes by way of the kubelet. */
  apiNamespace: string | undefined;
}

const tcp = (port: number) => [{ protocol: 'TCP', port }];
const dns = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
];

/** Who may talk to whom in a team: nobody, but agents to their NATS, to DNS and to port 443, and the server to NATS. */
export function teamPolicies(plan: PolicyPlan): V1NetworkPolicy[] {
  const { instance, team } = plan;
  const nats = { matchLabels: natsLabels(instance, team) };
  const agents = agentPods(instance, team);
  return [
    policy(plan, 'default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    policy(plan, 'nats', {
      podSelector: nats,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ _from: [{ podSelector: agents }, ...apiPeers(plan)], ports: tcp(natsPort) }],
    }),
    policy(plan, 'agents', {
      podSelector: agents,
      policyTypes: ['Ingress', 'Egress'],
      egress: [{ ports: dns }, { to: [{ podSelector: nats }], ports: tcp(natsPort) }, { ports: tcp(https) }],
    }),
  ];
}

export const policyNames = ['default-deny', 'nats', 'agents', gatewayPolicyName];

/**
 * Lets a team's agents reach a Messages API that is not at port 443.
 * @returns `undefined` when it is
 */
export function gatewayPolicy(plan: PolicyPlan, baseUrl: string | undefined): V1NetworkPolicy | undefined {
  const url = baseUrl === undefined ? null : URL.parse(baseUrl);
  if (!url) return undefined;
  const port = Number(url.port) || (url.protocol === 'http:' ? 80 : https);
  if (port === https) return undefined;
  const egress: V1NetworkPolicyEgressRule = { ...addressOf(url), ports: tcp(port) };
  const podSelector = agentPods(plan.instance, plan.team);
  return policy(plan, gatewayPolicyName, { podSelector, policyTypes: ['Egress'], egress: [egress] });
}

/** A policy knows no names: only an address can be the one that is let through. */
function addressOf({ hostname }: URL): Pick<V1NetworkPolicyEgressRule, 'to'> {
  const address = hostname.replaceAll(/[[\]]/g, '');
  const bits = { 0: undefined, 4: 32, 6: 128 }[isIP(address)];
  return bits === undefined ? {} : { to: [{ ipBlock: { cidr: `${address}/${bits}` } }] };
}

function agentPods(instance: string, team: string) {
  return {
    matchLabels: teamLabels(instance, team),
    matchExpressions: [{ key: label.agent, operator: 'Exists' }],
  };
}

function apiPeers({ apiNamespace }: PolicyPlan): V1NetworkPolicyPeer[] {
  if (apiNamespace === undefined) return [];
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': apiNamespace } };
  return [{ namespaceSelector, podSelector: { matchLabels: apiPods } }];
}

function policy({ instance, team }: PolicyPlan, name: string, spec: V1NetworkPolicySpec): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: namespaceOf(team), labels: teamLabels(instance, team) },
    spec,
  };
}
