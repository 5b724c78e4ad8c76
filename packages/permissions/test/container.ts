import { type Decision, decide } from '../src/decide.ts';
import { defaultPermissions, type Permissions } from '../src/index.ts';

/** Decides about a command in the default profile of a container, with further rules. */
export function inContainer(command: string, rules: Partial<Permissions> = {}): Decision {
  const permissions = { ...defaultPermissions('docker', '/workspace'), ...rules };
  return decide(permissions, { tool: 'Bash', input: { command }, cwd: '/workspace', home: '/state/home' });
}
