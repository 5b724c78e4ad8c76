const longest = { subdomain: 253, label: 63 };
const word = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const subdomain = new RegExp(`^${word}(?:\\.${word})*$`);
const label = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** A "DNS subdomain name": what most objects of a cluster may be called. */
export function isSubdomain(text: string): boolean {
  return text.length <= longest.subdomain && subdomain.test(text);
}

/** A "qualified name", `name` or `domain/name`: the key of a label, a taint or a resource. */
export function isQualifiedName(text: string): boolean {
  const parts = text.split('/');
  const name = parts.pop() ?? '';
  return isLabelName(name) && parts.length <= 1 && parts.every(isSubdomain);
}

/** The value of a label or a taint; it may be empty. */
export function isLabelValue(text: string): boolean {
  return text === '' || isLabelName(text);
}

function isLabelName(text: string): boolean {
  return text.length <= longest.label && label.test(text);
}
