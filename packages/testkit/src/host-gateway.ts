import { execa } from 'execa';

const answerMs = 60_000;

/**
 * Address at which containers reach what listens on this machine (`host-gateway`), asked of a container: the engine tells
 * it nowhere else. Rejects when there is no engine or no such image; the image needs `getent`.
 */
export async function hostGateway(image: string): Promise<string> {
  const options = ['--rm', '--add-host', 'host:host-gateway', '--entrypoint', 'getent'];
  const { stdout } = await execa('docker', ['run', ...options, image, 'hosts', 'host'], { timeout: answerMs });
  return stdout.split(/\s/)[0] ?? '';
}
