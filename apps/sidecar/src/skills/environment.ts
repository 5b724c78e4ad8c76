import { type AgentSpec, agentMarker, agentMarkerVariable } from '@agentcrew/protocol';
import { cliFolders } from '../claude-options.ts';

const inherited = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** Of the settings: how programs get through to the network, and where packages come from. */
const taken = /^(?:https?_proxy|no_proxy|all_proxy|npm_config_\w+|node_extra_ca_certs|ssl_cert_(?:file|dir))$/i;

/** The environment of the installer, from scratch: it runs code of strangers, and gets no secret. */
export function installerEnvironment(spec: AgentSpec): Record<string, string> {
  const fromHere = inherited.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(Object.entries(spec.env).filter(([name]) => taken.test(name))),
    ...Object.fromEntries(fromHere),
    HOME: cliFolders(spec.state_dir).home,
    CI: '1',
    NO_COLOR: '1',
    DO_NOT_TRACK: '1',
    DISABLE_TELEMETRY: '1',
    // Nobody is there to answer.
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    [agentMarkerVariable]: agentMarker(spec),
  };
}
