const unitOf: Record<string, number> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};
/** Number, then a unit or an exponent: `E` alone is a unit, `E3` an exponent. */
const pattern = /^\+?(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;
/** Kubernetes keeps 64 bits. */
const tooMuch = 2 ** 63;

/** The number that a quantity of Kubernetes stands for (`500m`, `1.5Gi`, `2e3`); `undefined` for anything else. */
export function parseQuantity(text: string): number | undefined {
  const [, number, unit = '', exponent = '0'] = pattern.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = Number(`${number}e${exponent}`) * (unitOf[unit] ?? Number.NaN);
  return value < tooMuch ? value : undefined;
}

/** The rule that a number of bytes breaks: `512m` is what Docker calls 512 MiB, and half a byte to Kubernetes. */
export function bytesProblem(text: string): string | undefined {
  if (parseQuantity(text) === undefined || /[nu]$/.test(text))
    return `must be a quantity such as "512Mi", not ${JSON.stringify(text)}`;
  if (!text.endsWith('m')) return undefined;
  return `must not be ${JSON.stringify(text)}, which is thousandths of a byte: write "${text.slice(0, -1)}Mi"`;
}
