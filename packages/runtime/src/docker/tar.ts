import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';

/** What goes into an archive; a name that ends in `/` is a folder. */
export type TarEntry = Pick<Header, 'name'> & Partial<Pick<Header, 'mode' | 'uid' | 'gid'>> & { text?: string };

/** A tar archive in memory. */
export async function tarOf(entries: TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text, ...header } of entries) {
    archive.entry({ ...header, type: header.name.endsWith('/') ? 'directory' : 'file' }, text ?? '');
  }
  archive.finalize();
  return await buffer(archive);
}
