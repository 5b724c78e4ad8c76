import type { RuntimeName } from '@agentcrew/runtime';

/** Units of memory that mean the same on every runtime. */
const everywhere = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
/** As `docker run --memory` has them. */
const dockers = { k: 2 ** 10, K: 2 ** 10, m: 2 ** 20, M: 2 ** 20, g: 2 ** 30, G: 2 ** 30 };
const kubernetesOwn = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

type Units = Record<string, number>;

/** The units of a runtime, and those of the others: what was stored under another one has to be read too. */
function unitsFor(runtime: RuntimeName): { own: Units; foreign: Units } {
  return runtime === 'kubernetes'
    ? { own: { ...everywhere, ...kubernetesOwn }, foreign: dockers }
    : { own: { ...everywhere, ...dockers }, foreign: kubernetesOwn };
}

/** Cores of `0.5`, `"0.5"` or `"500m"`; `undefined` for anything else. */
export function coresOf(cpu: string | number): number | undefined {
  const [, number, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(cpu)) ?? [];
  return number === undefined ? undefined : Number(number) / (milli ? 1000 : 1);
}

/**
 * Bytes of an amount of memory such as `"512Mi"` on this runtime; `undefined` for anything else. The older `"512m"` is
 * 512 MiB everywhere, also where Kubernetes itself would read thousandths of a byte.
 */
export function bytesOf(memory: string, runtime: RuntimeName): number | undefined {
  const { number, unit } = parts(memory);
  const { own, foreign } = unitsFor(runtime);
  const bytes = number * (own[unit] ?? foreign[unit] ?? Number.NaN);
  return Number.isNaN(bytes) ? undefined : Math.round(bytes);
}

/** The rule that keeps an amount of memory from being stored on this runtime. */
export function memoryProblem(memory: string, runtime: RuntimeName): string | undefined {
  const { number, unit } = parts(memory);
  const { own, foreign } = unitsFor(runtime);
  if (own[unit] !== undefined) return undefined;
  if (runtime !== 'kubernetes' || foreign[unit] === undefined)
    return 'must be a number with the unit Ki, Mi, Gi or Ti, such as "512Mi"';
  const meaning = unit === 'm' ? 'is thousandths of a byte' : 'is no amount';
  return `must not be "${memory}", which ${meaning} on Kubernetes: write "${number}${unit.toUpperCase()}i"`;
}

/** Number and unit; the unit of what is no amount is one that no runtime knows. */
function parts(memory: string): { number: number; unit: string } {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(memory) ?? [];
  return { number: Number(number), unit: unit ?? '?' };
}
