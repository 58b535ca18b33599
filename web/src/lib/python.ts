/** Python in pieces for colouring: enough to read by, without a parser. */

export interface Piece {
  kind: '' | 'comment' | 'string' | 'keyword' | 'number';
  text: string;
}

const KEYWORDS =
  'False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield';

const PIECES = new RegExp(
  [
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<string>[rbfRBF]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))`,
    String.raw`(?<keyword>\b(?:${KEYWORDS})\b)`,
    String.raw`(?<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)`,
  ].join('|'),
  'g',
);

export function highlighted(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(PIECES)) {
    if (found.index > end) pieces.push({ kind: '', text: text.slice(end, found.index) });
    const kind = Object.entries(found.groups ?? {}).find(([, value]) => value !== undefined);
    pieces.push({ kind: (kind?.[0] ?? '') as Piece['kind'], text: found[0] });
    end = found.index + found[0].length;
  }
  if (end < text.length) pieces.push({ kind: '', text: text.slice(end) });
  return pieces;
}
