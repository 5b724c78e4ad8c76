/** Replaces every occurrence of the given secrets. Secrets under 8 characters are left: they would blank out words. */
export function redact(text: string, secrets: Iterable<string | undefined>): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret && secret.length >= 8) clean = clean.replaceAll(secret, '[redacted]');
  }
  return clean;
}
