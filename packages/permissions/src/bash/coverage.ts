import { forEachChild, type SyntaxNode } from 'unbash';
import { refuse, shown } from '../refusal.ts';

/** What may stand between the nodes of each kind of tree, besides blanks, continued lines and comments. */
const between: Partial<Record<SyntaxNode['type'], RegExp>> = {
  Command: /^(?:[ \t]|\\\n)*$/,
  Script: /^(?:[\s;&]|\\\n|#[^\n]*)*$/,
  CompoundList: /^(?:[\s;&]|\\\n|#[^\n]*)*$/,
  AndOr: /^(?:[\s&|]|\\\n|#[^\n]*)*$/,
  ArithmeticBinary: /^(?:[\s<>=!+*/%&|^,-]|\\\n)*$/,
  ArithmeticUnary: /^(?:[\s!~+-]|\\\n)*$/,
  ArithmeticTernary: /^(?:[\s?:]|\\\n)*$/,
  ArithmeticGroup: /^(?:[\s()]|\\\n)*$/,
  ArithmeticExpansion: /^(?:[\s$()[\]]|\\\n)*$/,
  ArithmeticCommand: /^(?:[\s()]|\\\n)*$/,
  Pipeline: /^(?:[\s&|]|\\\n|#[^\n]*)*$/,
};

const mostDocuments = 100;

interface Span {
  pos: number;
  end: number;
}

/**
 * Refuses a tree that leaves a part of its text out: a parser that goes on behind what it does not understand would
 * hide it from the judgement.
 */
export function checkCoverage(root: SyntaxNode, text: string): void {
  const documents: Span[] = [];
  collectDocuments(root, documents);
  checkNode(root, text, documents);
}

function collectDocuments(node: SyntaxNode, found: Span[]): void {
  if (found.length > mostDocuments) refuse('command with too many here-documents');
  if (node.type === 'HereDoc') found.push({ pos: node.body.pos, end: node.closing?.end ?? node.body.end });
  forEachChild(node, (child) => collectDocuments(child, found));
}

function checkNode(node: SyntaxNode, text: string, documents: readonly Span[]): void {
  // A script between escaped backquotes is seen from a text of its own, which the outer text checked already.
  const own = node.type === 'Script' ? node.source : undefined;
  if (own !== undefined) {
    checkCoverage({ ...node, source: undefined } as unknown as SyntaxNode, own);
    return;
  }
  const children: SyntaxNode[] = [];
  forEachChild(node, (child) => children.push(child));
  const allowed = between[node.type];
  if (allowed !== undefined) checkGaps(node, children, text, documents, allowed);
  for (const child of children) checkNode(child, text, documents);
}

function checkGaps(
  node: SyntaxNode,
  children: SyntaxNode[],
  text: string,
  documents: readonly Span[],
  allowed: RegExp,
): void {
  let at = node.pos;
  for (const { pos, end } of [...children].sort((one, other) => one.pos - other.pos)) {
    checkGap(text, at, pos, documents, allowed);
    at = Math.max(at, end);
  }
  checkGap(text, at, node.end, documents, allowed);
}

function checkGap(text: string, start: number, end: number, documents: readonly Span[], allowed: RegExp): void {
  if (end <= start) return;
  let gap = '';
  let at = start;
  for (const document of documents
    .filter(({ pos }) => pos >= start && pos < end)
    .sort((one, other) => one.pos - other.pos)) {
    gap += text.slice(at, document.pos);
    at = Math.max(at, document.end);
  }
  gap += text.slice(at, end);
  if (!allowed.test(gap)) refuse(`command that cannot be parsed, at: ${shown(gap)}`);
}
