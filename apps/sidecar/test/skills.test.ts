import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Skill } from '@agentcrew/protocol';
import { latch, temporaryFolder, waitFor } from '@agentcrew/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { frontMatter } from '../src/skills/front-matter.ts';
import type { InstallerResult, InstallerRun } from '../src/skills/run-installer.ts';
import { Shelf } from '../src/skills/shelf.ts';
import { Skills } from '../src/skills/skills.ts';
import { silent } from './fakes.ts';

const skill = (name: string): Skill => ({ repo_url: 'https://github.com/o/r', skill_name: name });
const key = (name: string) => `https://github.com/o/r:${name}`;

/** Puts a skill where the installer would. */
function write(folder: string, name: string, description = `does ${name}`): void {
  const place = join(folder, '.claude', 'skills', name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'SKILL.md'), `---\nname: ${name}\ndescription: ${description}\n---\n# ${name}\n`);
}

async function setUp() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const runs: InstallerRun[] = [];
  const told: Record<string, string>[] = [];
  const stop = new AbortController();
  const scene = {
    runs,
    told,
    stop,
    changes: 0,
    running: 0,
    most: 0,
    install: async ({ folder: to, skill: { skill_name } }: InstallerRun): Promise<InstallerResult> => {
      write(to, skill_name);
      return { output: `installed ${skill_name}` };
    },
  };
  const start = () =>
    new Skills({
      shelf: new Shelf(folder.path),
      runInstaller: async (run) => {
        runs.push(run);
        scene.running += 1;
        scene.most = Math.max(scene.most, scene.running);
        try {
          return await scene.install(run);
        } finally {
          scene.running -= 1;
        }
      },
      environment: () => ({ PATH: '/bin' }),
      timeoutMs: 1_000,
      tellStatuses: (statuses) => told.push(Object.fromEntries(statuses.map((one) => [one.package, one.status]))),
      onChange: () => {
        scene.changes += 1;
      },
      stop: stop.signal,
      log: silent,
    });
  return Object.assign(scene, { path: folder.path, start, skills: start() });
}
const settled = (scene: { told: Record<string, string>[] }) =>
  waitFor(
    'all installed or failed',
    () => !Object.values(scene.told.at(-1) ?? { none: 'pending' }).includes('pending'),
  );

test('what is wanted is installed, one after another, and told to Claude', async () => {
  const scene = await setUp();
  scene.skills.want([skill('alpha'), skill('beta')], { only: true });
  expect(scene.skills.text()).toBe('');
  await settled(scene);
  expect(scene.told[0]).toEqual({ [key('alpha')]: 'pending' });
  expect(scene.told.at(-1)).toEqual({ [key('alpha')]: 'installed', [key('beta')]: 'installed' });
  expect(scene.most).toBe(1);
  expect(scene.changes).toBe(2);
  expect(scene.skills.text()).toMatch(/## Skills.*\*\*alpha\*\* — does alpha \(`.*SKILL\.md`\)\n- \*\*beta\*\*/s);
});

test('what is installed is not installed again by the next process; what has failed is', async () => {
  const scene = await setUp();
  scene.install = async ({ folder, skill: { skill_name } }) => {
    if (skill_name === 'bad') return { output: 'no', problem: 'it is not there' };
    write(folder, skill_name);
    return { output: '' };
  };
  scene.skills.want([skill('good'), skill('bad')], { only: true });
  await settled(scene);
  expect(scene.told.at(-1)).toEqual({ [key('good')]: 'installed', [key('bad')]: 'failed' });
  scene.skills.want([skill('good'), skill('bad')], { only: true });
  expect(scene.runs).toHaveLength(2);

  const next = scene.start();
  next.want([skill('good'), skill('bad')], { only: false });
  expect(next.text()).toContain('does good');
  await waitFor('another try', () => scene.runs.length === 3);
  expect(scene.runs[2]?.skill).toEqual(skill('bad'));
});

test('a skill that is not wanted any more is removed, when the server says so', async () => {
  const scene = await setUp();
  scene.skills.want([skill('alpha'), skill('beta')], { only: true });
  await settled(scene);
  scene.skills.want([skill('beta')], { only: false });
  expect(scene.skills.text()).not.toContain('alpha');
  scene.skills.want([skill('alpha'), skill('beta')], { only: false });
  expect(scene.runs).toHaveLength(2);
  scene.skills.want([skill('beta')], { only: true });
  scene.skills.want([skill('alpha'), skill('beta')], { only: true });
  await waitFor('alpha to be installed again', () => scene.runs.length === 3);
});

test('one that is asked for while it is being installed is not installed twice, afterwards it is', async () => {
  const scene = await setUp();
  const { promise, open } = latch();
  const install = scene.install;
  scene.install = async (run) => {
    await promise;
    return install(run);
  };
  scene.skills.want([skill('alpha')], { only: true });
  const asked = scene.skills.install(skill('alpha'));
  open();
  expect(await asked).toEqual({ output: 'installed alpha' });
  expect(scene.runs).toHaveLength(1);
  scene.install = async ({ folder }) => {
    write(folder, 'alpha', 'does it better');
    return { output: '' };
  };
  await scene.skills.install(skill('alpha'));
  expect(scene.skills.text()).toContain('does it better');
});

test('one that is asked for is not disturbed by a list without it, and removed by the next one', async () => {
  const scene = await setUp();
  const { skills } = scene;
  const gate = latch();
  scene.install = async ({ folder, skill: { skill_name } }) => {
    await gate.promise;
    write(folder, skill_name);
    return { output: '' };
  };
  const asked = skills.install(skill('a'));
  await waitFor('the installer', () => scene.running === 1);
  skills.want([], { only: true });
  expect(scene.told.at(-1)).toEqual({ [key('a')]: 'pending' });
  gate.open();
  expect(await asked).toEqual({ output: '' });
  expect(scene.told.at(-1)).toEqual({ [key('a')]: 'installed' });
  expect(skills.text()).toContain('a');
  skills.want([], { only: true });
  expect(scene.told.at(-1)).toEqual({});
  expect(skills.text()).toBe('');
});

test('an agent without skills says so when it starts: an earlier process may have told of some', async () => {
  const scene = await setUp();
  scene.skills.want([], { only: true });
  expect(scene.told).toEqual([{}]);
});

test('an installation that fails leaves the one before, and one that leaves nothing has failed', async () => {
  const scene = await setUp();
  await scene.skills.install(skill('alpha'));
  scene.install = async ({ folder }) => {
    write(folder, 'alpha', 'half of it');
    return { output: '', problem: 'cut off' };
  };
  expect(await scene.skills.install(skill('alpha'))).toMatchObject({ problem: 'cut off' });
  expect(scene.skills.text()).toContain('does alpha');
  scene.install = async () => ({ output: 'fine' });
  expect(await scene.skills.install(skill('alpha'))).toMatchObject({ problem: expect.stringContaining('SKILL.md') });
  expect(scene.skills.text()).toContain('does alpha');
  scene.install = async () => {
    throw new Error('disk full');
  };
  expect(await scene.skills.install(skill('alpha'))).toMatchObject({ problem: 'disk full' });
});

test('an agent that ends begins no installation', async () => {
  const scene = await setUp();
  scene.stop.abort();
  expect(await scene.skills.install(skill('alpha'))).toMatchObject({ problem: expect.stringContaining('shut down') });
  expect(scene.runs).toEqual([]);
});

test('a skill that leads out of its folder is none', async () => {
  const scene = await setUp();
  const secret = join(scene.path, 'secret');
  writeFileSync(secret, '---\ndescription: top secret\n---');
  scene.install = async ({ folder }) => {
    mkdirSync(join(folder, '.claude', 'skills', 'alpha'), { recursive: true });
    symlinkSync(secret, join(folder, '.claude', 'skills', 'alpha', 'SKILL.md'));
    return { output: '' };
  };
  expect(await scene.skills.install(skill('alpha'))).toHaveProperty('problem');
  expect(scene.skills.text()).toBe('');
  expect(existsSync(secret)).toBe(true);
});

describe('the head of a SKILL.md', () => {
  test.each([
    ['---\nname: a\ndescription: does it\n---\nbody', 'does it'],
    ['\uFEFF---\r\ndescription: "quoted: text"\r\n---', 'quoted: text'],
    ['---\ndescription: >-\n  on two\n  lines\nname: x\n---', 'on two lines'],
    ['---\ndescription: begins\n  and goes on\n---', 'begins and goes on'],
    ['no head', undefined],
    ['---\nname: a', undefined],
  ])('%j', (text, description) => expect(frontMatter(text).description).toBe(description));
});
