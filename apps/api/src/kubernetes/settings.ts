import { z } from 'zod';
import { commaListSchema } from '../comma-list.ts';
import { isLabelValue, isQualifiedName, isSubdomain } from './names.ts';
import { bytesProblem, parseQuantity } from './quantity.ts';

const subdomainRule = 'must be lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit';

/** The name of an object in the cluster. */
export const objectNameSchema = z.string().refine(isSubdomain, subdomainRule);

export const objectNamesSchema = commaListSchema.pipe(z.array(objectNameSchema));

/** The size of a volume. */
export const sizeSchema = z.string().superRefine((text, context) => {
  const problem = bytesProblem(text) ?? (parseQuantity(text) === 0 ? 'must be more than nothing' : undefined);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

/** `key=value,…`; each key once. */
const pairsSchema = commaListSchema.transform((items, context) => {
  const pairs = new Map<string, string>();
  for (const item of items) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(item) ?? [];
    if (key === undefined || value === undefined) context.addIssue('must be key=value, separated by commas');
    else if (pairs.has(key)) context.addIssue(`must not have ${key} twice`);
    else pairs.set(key, value);
  }
  return Object.fromEntries(pairs);
});

/** What a rule of one pair says about each of them. */
function eachPair(problemOf: (key: string, value: string) => string | undefined) {
  return pairsSchema.superRefine((pairs, context) => {
    for (const [key, value] of Object.entries(pairs)) {
      const problem = problemOf(key, value);
      if (problem) context.addIssue({ code: 'custom', message: problem });
    }
  });
}

/** Labels that nodes have. */
export const nodeSelectorSchema = eachPair(labelProblem);

/** Labels for workloads; ours are not to be had. */
export const labelsSchema = eachPair((key, value) =>
  /^(agentcrew\.|app\.kubernetes\.io\/)/.test(key)
    ? `must not have ${key}: keys that begin with "agentcrew." or "app.kubernetes.io/" are the server's own`
    : labelProblem(key, value),
);

function labelProblem(key: string, value: string): string | undefined {
  if (!isQualifiedName(key)) return `must have keys such as "pool" or "example.org/pool", not ${JSON.stringify(key)}`;
  if (isLabelValue(value)) return undefined;
  return `must have values of at most 63 letters, digits, "-", "_" and ".", not ${JSON.stringify(value)}`;
}

/** Requests or limits of a container: `cpu=100m,memory=256Mi`. */
export const containerResourcesSchema = eachPair((name, quantity) => {
  const problem = quantityProblem(name, quantity);
  return problem && `${name} ${problem}`;
});

function quantityProblem(name: string, quantity: string): string | undefined {
  if (name === 'memory' || name === 'ephemeral-storage') return bytesProblem(quantity);
  const value = parseQuantity(quantity);
  if (name === 'cpu') {
    return value === undefined
      ? `must be a quantity such as "500m" or "2", not ${JSON.stringify(quantity)}`
      : undefined;
  }
  if (!isExtended(name)) return 'is no resource: there are cpu, memory, ephemeral-storage, and example.org/thing';
  return Number.isInteger(value) ? undefined : `must be a whole number, not ${JSON.stringify(quantity)}`;
}

/** Something that a node has a whole number of, such as `nvidia.com/gpu`. */
function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && isQualifiedName(name);
}

/** Rules between requests and limits, by which the API server refuses every pod. */
export function requestProblems(requests: Record<string, string>, limits: Record<string, string>): string[] {
  return Object.entries(requests).flatMap(([name, text]) => {
    const request = parseQuantity(text) ?? 0;
    const limit = parseQuantity(limits[name] ?? '');
    if (isExtended(name) && request !== limit) return [`${name} must be the same in KUBERNETES_AGENT_LIMITS`];
    return limit !== undefined && request > limit ? [`${name} must not exceed that of KUBERNETES_AGENT_LIMITS`] : [];
  });
}
