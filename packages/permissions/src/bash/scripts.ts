import type { CommandNode, CompoundList, PipelineNode, Script, Statement, TestExpression } from 'unbash';
import { holdMentioned } from '../programs/mentioned.ts';
import { isKnownCommand } from '../programs/programs.ts';
import { refuse } from '../refusal.ts';
import { checkArithmetic, checkArithmeticText } from './arithmetic.ts';
import { setVariable } from './assign.ts';
import { deeper, type Judge, step } from './judge.ts';
import { marks } from './marks.ts';
import type { Node } from './nodes.ts';
import { judgeRedirects } from './redirects.ts';
import { runSimple } from './simple.ts';
import { always, bounded, copyOf, eitherOf, isSame, joined, type Outcome, type State, widened } from './state.ts';
import { holdTested } from './tests.ts';
import { runTraps } from './traps.ts';
import { expandWord, textsOf } from './words.ts';

const mostRounds = 3;

/** Judges everything that a script can run, from a state on, which becomes the state behind it. */
export function runScript(judge: Judge, state: State, script: Script): State {
  return runList(judge, state, script.commands);
}

function runList(judge: Judge, state: State, statements: readonly Statement[]): State {
  return eitherOf(runOutcome(judge, state, statements));
}

/** Like `runList`, telling success of the last command from failure. */
function runOutcome(judge: Judge, state: State, statements: readonly Statement[]): Outcome {
  let outcome = always(state);
  for (const { command, background } of statements) {
    const before = eitherOf(outcome);
    if (background === true) runNode(judge, copyOf(before), command);
    outcome = background === true ? always(before) : runNode(judge, before, command);
    if (before.traps.length > 0 || eitherOf(outcome).traps.length > 0) runTraps(judge, eitherOf(outcome));
  }
  return outcome;
}

/** Judges one command of any kind. */
function runNode(judge: Judge, state: State, node: PipelineNode | Node<'AndOr'> | CommandNode): Outcome {
  step(judge);
  switch (node.type) {
    case 'Command':
      return runSimple(judge, state, node);
    case 'AndOr':
      return runAndOr(judge, state, node);
    case 'Pipeline':
      return runPipeline(judge, state, node);
    case 'Redirected':
      judgeRedirects(judge, state, node.redirects);
      return runNode(judge, state, node.command);
    case 'Subshell':
      runBody(judge, copyOf(state), node.body);
      return always(state);
    case 'BraceGroup':
      return deeper(judge, () => runOutcome(judge, state, node.body.commands));
    case 'If':
      return always(runIf(judge, state, node));
    case 'While':
      return always(runLoop(judge, state, (entry) => whileRound(judge, entry, node)));
    case 'For':
    case 'Select':
      return always(runFor(judge, state, node));
    case 'ArithmeticFor':
      return always(runArithmeticFor(judge, state, node));
    case 'Case':
      return always(runCase(judge, state, node));
    case 'Function':
      return always(defineFunction(judge, state, node));
    case 'Coproc':
      return always(runCoproc(judge, state, node));
    case 'TestCommand':
      runTest(judge, state, node.expression);
      return always(state);
    case 'ArithmeticCommand':
      if (node.expression !== undefined) checkArithmetic(judge, state, node.expression);
      else if (node.body.trim() !== '') refuse('arithmetic that cannot be parsed');
      return always(state);
    default:
      return refuse('command of a kind that is not known');
  }
}

/** Judges the body of a compound command or a function. */
export function runBody(judge: Judge, state: State, body: CompoundList | CommandNode): State {
  return deeper(judge, () =>
    body.type === 'CompoundList' ? runList(judge, state, body.commands) : eitherOf(runNode(judge, state, body)),
  );
}

function runAndOr(judge: Judge, state: State, { commands, operators }: Node<'AndOr'>): Outcome {
  const [first, ...rest] = commands;
  if (first === undefined) return always(state);
  let outcome = runNode(judge, state, first);
  rest.forEach((command, at) => {
    const and = operators[at] === '&&';
    const next = runNode(judge, copyOf(and ? outcome.success : outcome.failure), command);
    outcome = and
      ? { success: next.success, failure: joined(outcome.failure, next.failure) }
      : { success: joined(outcome.success, next.success), failure: next.failure };
  });
  return outcome;
}

/** The commands of a pipeline run in shells of their own, save perhaps the last one. */
function runPipeline(judge: Judge, state: State, { commands, prefixes }: Node<'Pipeline'>): Outcome {
  const [first] = commands;
  if (first === undefined) return always(state);
  if (commands.length > 1) {
    const ends = commands.map((command) => eitherOf(runNode(judge, copyOf(state), command)));
    for (const command of commands.slice(0, -1)) holdPrinted(judge, state, command);
    return always(joined(state, ends.at(-1) ?? state));
  }
  const { success, failure } = runNode(judge, state, first);
  const negated = prefixes.filter(({ type }) => type === 'Negation').length % 2 === 1;
  return negated ? { success: failure, failure: success } : { success, failure };
}

/** What is printed into a pipe may name the files for the next command. */
function holdPrinted(judge: Judge, state: State, command: CommandNode): void {
  if (command.type !== 'Command') return;
  for (const [name, ...words] of judge.commands.get(command) ?? [])
    if (name === 'echo' || name === 'printf')
      holdMentioned(judge, state, ['xargs', ...words.flatMap((word) => word.split(/\s+|\\[n0t]/))]);
}

function runIf(judge: Judge, state: State, node: Node<'If'>): State {
  const branches = [node, ...node.elif];
  let rest = state;
  let end: State | undefined;
  for (const { clause, then } of branches) {
    const test = deeper(judge, () => runOutcome(judge, rest, clause.commands));
    const done = runBody(judge, copyOf(test.success), then);
    end = end === undefined ? done : joined(end, done);
    rest = copyOf(test.failure);
  }
  const otherwise = node.else === undefined ? rest : runBody(judge, rest, node.else);
  return end === undefined ? otherwise : joined(end, otherwise);
}

/** Runs the rounds of a loop until they change nothing any more. */
function runLoop(judge: Judge, state: State, round: (entry: State) => State): State {
  const exits = judge.exits.length;
  let entry = state;
  for (let count = 0; ; count++) {
    const next = joined(entry, round(copyOf(entry)));
    const settled = count < mostRounds ? next : widened(entry, next);
    if (isSame(settled, entry)) return judge.exits.slice(exits).reduce(joined, entry);
    entry = settled;
  }
}

function whileRound(judge: Judge, entry: State, { clause, body, kind }: Node<'While'>): State {
  const test = deeper(judge, () => runOutcome(judge, entry, clause.commands));
  const [goesOn, stops] = kind === 'while' ? [test.success, test.failure] : [test.failure, test.success];
  return joined(runBody(judge, copyOf(goesOn), body), stops);
}

function runFor(judge: Judge, state: State, { name, wordlist, body }: Node<'For'> | Node<'Select'>): State {
  const words = (wordlist ?? []).flatMap((word) => expandWord(judge, state, word).flat());
  const values =
    wordlist === undefined ? [marks.any] : bounded(words.map((word) => word.replaceAll(marks.words, marks.any)));
  return runLoop(judge, state, (entry) => {
    if (values.length > 0) setVariable(judge, entry, name.value, values);
    return runBody(judge, entry, body);
  });
}

function runArithmeticFor(judge: Judge, state: State, node: Node<'ArithmeticFor'>): State {
  if (node.initialize !== undefined) checkArithmetic(judge, state, node.initialize);
  return runLoop(judge, state, (entry) => {
    if (node.test !== undefined) checkArithmetic(judge, entry, node.test);
    const end = runBody(judge, entry, node.body);
    if (node.update !== undefined) checkArithmetic(judge, end, node.update);
    return end;
  });
}

function runCase(judge: Judge, state: State, { word, items }: Node<'Case'>): State {
  textsOf(judge, state, word);
  let end = state;
  let through = state;
  for (const { pattern, body } of items) {
    for (const one of pattern) textsOf(judge, state, one);
    through = runBody(judge, copyOf(joined(state, through)), body);
    end = joined(end, through);
  }
  return end;
}

function defineFunction(judge: Judge, state: State, { name, body }: Node<'Function'>): State {
  if (!/^[A-Za-z_][\w.-]*$/.test(name.text)) refuse(`name of a function that is none: ${name.text}`);
  if (isKnownCommand(name.text)) refuse(`function with the name of a command: ${name.text}. Name it otherwise`);
  state.functions.set(name.text, body);
  judge.defined.add(body);
  return state;
}

function runCoproc(judge: Judge, state: State, { name, body }: Node<'Coproc'>): State {
  runBody(judge, copyOf(state), body);
  setVariable(judge, state, name?.value ?? 'COPROC', [marks.any]);
  return state;
}

function runTest(judge: Judge, state: State, expression: TestExpression): void {
  step(judge);
  switch (expression.type) {
    case 'TestUnary':
      holdTested(judge, state, expression.operator, textsOf(judge, state, expression.operand));
      return;
    case 'TestBinary': {
      const texts = [...textsOf(judge, state, expression.left), ...textsOf(judge, state, expression.right)];
      if (/^-(?:eq|ne|lt|le|gt|ge)$/.test(expression.operator)) checkArithmeticText(judge, state, texts);
      return;
    }
    case 'TestLogical':
      for (const operand of expression.operands) runTest(judge, state, operand);
      return;
    case 'TestNot':
      runTest(judge, state, expression.operand);
      return;
    case 'TestGroup':
      runTest(judge, state, expression.expression);
      return;
    default:
      refuse('test that is not known');
  }
}
