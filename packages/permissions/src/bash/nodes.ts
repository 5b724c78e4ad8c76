import type { SyntaxNode } from 'unbash';

export type Node<Type extends SyntaxNode['type']> = Extract<SyntaxNode, { type: Type }>;
