import { parse } from 'node:path';

const longestName = 255;
/** The agent adds a number where the name is taken; with the time before it, all has to fit into 255 bytes. */
const longestStoredName = 240;

/** The name of a file as it can stand in any file system, command and URL: ASCII letters, digits, `.`, `-` and `_`. */
export function safeName(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1).replaceAll('\0', '');
  const plain = base.replaceAll(/[^a-zA-Z0-9._-]/gu, '_').replaceAll(/_+/g, '_');
  return shortened(plain.replaceAll(/^[_.]+|[_.]+$/g, ''), longestName) || 'upload';
}

/** What an uploaded file is called in the workspace: `<unix-seconds>_<safe name>`. */
export function uploadName(name: string, at: Date): string {
  const prefix = `${Math.floor(at.getTime() / 1000)}_`;
  return prefix + shortened(safeName(name), longestStoredName - prefix.length);
}

/** Cuts what is before the extension, by which programs know what a file is. */
function shortened(name: string, length: number): string {
  if (name.length <= length) return name;
  const { name: stem, ext } = parse(name);
  return ext.length < length ? stem.slice(0, length - ext.length) + ext : name.slice(0, length);
}
