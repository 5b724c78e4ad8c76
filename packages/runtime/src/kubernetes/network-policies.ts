import { isIP } from 'node:net';
import type {
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node';
import { natsPort } from '../shared/nats-config.ts';
import { agentsAmong, teamLabels } from './labels.ts';
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
/** Policies see the port of the pod that a Service leads to, and the DNS of OpenShift has its pods at 5353. */
const dns = [53, 5353].flatMap((port) => ['UDP', 'TCP'].map((protocol) => ({ protocol, port })));

/** Who may talk to whom in a team: nobody, but agents to their NATS, to DNS and to port 443, and the server to NATS. */
export function teamPolicies(plan: PolicyPlan): V1NetworkPolicy[] {
  const { instance, team } = plan;
  const nats = { matchLabels: natsLabels(instance, team) };
  const agents = agentsAmong(teamLabels(instance, team));
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
 * Lets a team's agents reach a Messages API that is not at port 443, or is a Service of the cluster.
 * @returns `undefined` when there is nothing more to let through
 */
export function gatewayPolicy(plan: PolicyPlan, baseUrl: string | undefined): V1NetworkPolicy | undefined {
  const url = baseUrl === undefined ? null : URL.parse(baseUrl);
  const egress = url ? gatewayRules(url) : [];
  if (egress.length === 0) return undefined;
  const podSelector = agentsAmong(teamLabels(plan.instance, plan.team));
  return policy(plan, gatewayPolicyName, { podSelector, policyTypes: ['Egress'], egress });
}

function gatewayRules(url: URL): V1NetworkPolicyEgressRule[] {
  const port = Number(url.port) || (url.protocol === 'http:' ? 80 : https);
  const byPort = port === https ? [] : [{ ...addressOf(url), ports: tcp(port) }];
  // The pods of a Service may listen at another port than it, and that one is what policies see.
  const [, namespace] = /^[^.]+\.([^.]+)\.svc(?:\.|$)/.exec(url.hostname) ?? [];
  return namespace ? [{ to: [inNamespace(namespace)] }, ...byPort] : byPort;
}

/** A policy knows no names: only an address can be the one that is let through. */
function addressOf({ hostname }: URL): Pick<V1NetworkPolicyEgressRule, 'to'> {
  const address = hostname.replaceAll(/[[\]]/g, '');
  const bits = { 0: undefined, 4: 32, 6: 128 }[isIP(address)];
  return bits === undefined ? {} : { to: [{ ipBlock: { cidr: `${address}/${bits}` } }] };
}

function apiPeers({ apiNamespace }: PolicyPlan): V1NetworkPolicyPeer[] {
  if (apiNamespace === undefined) return [];
  return [{ ...inNamespace(apiNamespace), podSelector: { matchLabels: apiPods } }];
}

function inNamespace(name: string): V1NetworkPolicyPeer {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } };
}

function policy({ instance, team }: PolicyPlan, name: string, spec: V1NetworkPolicySpec): V1NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: namespaceOf(team), labels: teamLabels(instance, team) },
    spec,
  };
}
