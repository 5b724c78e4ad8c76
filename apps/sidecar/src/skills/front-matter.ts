/**
 * The texts at the head of a SKILL.md, between lines of `---`. Of YAML only what such heads use: a text on one line, in
 * quotes or not, or on the indented lines that follow (`>`, `|`).
 */
export function frontMatter(text: string): Record<string, string> {
  const head = /^\uFEFF?---\r?\n(.*?)\r?\n---/s.exec(text)?.[1];
  const fields: Record<string, string> = {};
  let field: string | undefined;
  for (const line of head?.split(/\r?\n/) ?? []) {
    const [, name, value = ''] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      field = name;
      fields[name] = unquoted(value);
    } else if (field !== undefined && /^\s+\S/.test(line)) {
      fields[field] = `${fields[field]} ${line.trim()}`.trim();
    }
  }
  return fields;
}

function unquoted(value: string): string {
  const text = value.trim();
  if (/^[>|][+-]?$/.test(text)) return '';
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}
