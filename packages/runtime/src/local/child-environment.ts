/** Variables of the host that a child gets; everything else is left out, so that no secret slips through. */
const inherited = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LOG_LEVEL'];

/** The environment of a child process, built from scratch. */
export function childEnvironment(
  host: Record<string, string | undefined>,
  own: Record<string, string>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of inherited) {
    const value = host[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...own };
}
