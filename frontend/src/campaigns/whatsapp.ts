// WhatsApp's marks in a text: *bold*, _italic_, ~strike~, ```mono```, and our variables, as pieces to draw. Pure.

export type Mark = 'bold' | 'italic' | 'strike' | 'mono';
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'value'; text: string; isMissing: boolean }
  | { kind: Mark; pieces: Piece[] };

/** A value that was put in for a variable; `isMissing` when there is none and the text gives no default. */
export interface Value {
  text: string;
  isMissing: boolean;
}

/** What stands around the number of a value while the marks are looked for. */
const OPEN = '\uE000';
const CLOSE = '\uE001';
const marks: Record<string, Mark> = { '*': 'bold', _: 'italic', '~': 'strike' };
const isWordy = (letter: string | undefined) => letter !== undefined && /[\p{L}\p{N}]/u.test(letter);
const isSpace = (letter: string | undefined) => letter === undefined || /\s/.test(letter);

/** A text with its variables filled by `fill`, cut into pieces. */
export function pieces(text: string, fill: (inside: string) => Value): Piece[] {
  const values: Value[] = [];
  const plain = text.replaceAll(OPEN, '').replaceAll(CLOSE, '');
  const held = plain.replace(/\{\{([\s\S]*?)\}\}/g, (_whole, inside: string) => {
    values.push(fill(inside));
    return `${OPEN}${values.length - 1}${CLOSE}`;
  });
  return marked(held, values);
}

/** The text as it is sent, without drawing. */
export function filled(text: string, fill: (inside: string) => Value): string {
  return text.replace(/\{\{([\s\S]*?)\}\}/g, (_whole, inside: string) => fill(inside).text);
}

function marked(text: string, values: Value[]): Piece[] {
  const found: Piece[] = [];
  const mono = /```([\s\S]+?)```/g;
  let from = 0;
  for (const match of text.matchAll(mono)) {
    found.push(...inline(text.slice(from, match.index), values));
    found.push({ kind: 'mono', pieces: withValues(match[1] ?? '', values) });
    from = match.index + match[0].length;
  }
  return [...found, ...inline(text.slice(from), values)];
}

/** Bold, italic and strike; a mark opens after no letter and before no space, and ends likewise on the same line. */
function inline(text: string, values: Value[]): Piece[] {
  for (let start = 0; start < text.length; start += 1) {
    const sign = text[start] ?? '';
    const kind = marks[sign];
    if (kind === undefined || isWordy(text[start - 1]) || isSpace(text[start + 1]) || text[start + 1] === sign) continue;
    const end = endOf(text, sign, start);
    if (end === -1) continue;
    return [
      ...withValues(text.slice(0, start), values),
      { kind, pieces: inline(text.slice(start + 1, end), values) },
      ...inline(text.slice(end + 1), values),
    ];
  }
  return withValues(text, values);
}

function endOf(text: string, sign: string, start: number): number {
  for (let at = start + 2; at < text.length && text[at] !== '\n'; at += 1) {
    if (text[at] === sign && !isSpace(text[at - 1]) && !isWordy(text[at + 1])) return at;
  }
  return -1;
}

function withValues(text: string, values: Value[]): Piece[] {
  return text
    .split(/(\uE000\d+\uE001)/)
    .filter((part) => part !== '')
    .map((part): Piece => {
      const value = part.startsWith(OPEN) ? values[Number(part.slice(1, -1))] : undefined;
      return value === undefined ? { kind: 'text', text: part } : { kind: 'value', ...value };
    });
}
