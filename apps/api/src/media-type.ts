import { extname } from 'node:path';

/** Types that no browser takes for a program. */
const harmless: Record<string, string> = {
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};

/** The type a file of the workspace is sent as: by its extension, and `application/octet-stream` for all that could run. */
export function mediaTypeOf(name: string): string {
  return harmless[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
