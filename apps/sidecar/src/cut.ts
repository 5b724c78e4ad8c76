/** A line of the live feed, in characters. */
const lineLimit = 200;
/** A text inside an activity's payload, in characters. */
const textLimit = 16 * 1024;
/** An activity's payload as JSON, in characters. */
const payloadLimit = 64 * 1024;

/** At most `limit` characters; says so when something was cut off. Cuts no character in two. */
export function cut(text: string, limit: number, note = '…'): string {
  if (text.length <= limit) return text;
  const end = isHighSurrogate(text.charCodeAt(limit - 1)) ? limit - 1 : limit;
  return text.slice(0, Math.max(0, end)) + note;
}

/** The first words of a text, as one line. */
export function oneLine(text: string, limit = lineLimit): string {
  return cut(
    cut(text, 4 * limit)
      .replaceAll(/\s+/g, ' ')
      .trim(),
    limit,
  );
}

/** Plain JSON data with its long texts cut; data that is still too large becomes the beginning of its JSON. */
export function cutDeep(data: unknown): unknown {
  const shorter = shorten(data);
  const json = JSON.stringify(shorter) ?? 'null';
  return json.length <= payloadLimit ? shorter : { truncated: true, preview: cut(json, textLimit) };
}

function shorten(data: unknown): unknown {
  if (typeof data === 'string') return cut(data, textLimit, `… (${data.length - textLimit} more characters)`);
  if (Array.isArray(data)) return data.map(shorten);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, shorten(value)]));
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
