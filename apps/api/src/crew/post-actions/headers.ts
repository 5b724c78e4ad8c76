/** What a header's name may consist of (RFC 9110: a token). */
export const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What no header's value may hold: with a line break in it, it would be more than one header. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these
export const controlCharacters = /[\x00-\x08\x0a-\x1f\x7f]/;

/** What belongs to the connection and is set by the HTTP client. */
const reserved = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function isReservedHeader(name: string): boolean {
  return reserved.has(name.toLowerCase());
}

const secretName = /auth|cookie|token|secret|password|credential|signature|api-?key|access-?key/i;

/** Whether the name says that the value is for nobody's eyes. */
export function isSecretHeader(name: string): boolean {
  return secretName.test(name);
}
