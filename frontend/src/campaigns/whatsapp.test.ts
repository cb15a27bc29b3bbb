import { describe, expect, it } from 'vitest';
import { missing, textFor, variable, type Sample } from './variables';
import { pieces, type Piece } from './whatsapp';
import { filler } from './variables';

const anna: Sample = { name: 'Anna 🌸', phone: '60123456789', niche: 'FITNESS', attributes: { City: 'Ipoh', Empty: '' } };

function drawn(found: Piece[]): string {
  return found
    .map((piece) => {
      if (piece.kind === 'text') return piece.text;
      if (piece.kind === 'value') return piece.isMissing ? `[?${piece.text}]` : `[${piece.text}]`;
      return `<${piece.kind}>${drawn(piece.pieces)}</${piece.kind}>`;
    })
    .join('');
}
const draw = (text: string) => drawn(pieces(text, filler(anna)));

describe('marks', () => {
  it('draws the four marks', () => {
    expect(draw('*a* _b_ ~c~ ```d *e*```')).toBe('<bold>a</bold> <italic>b</italic> <strike>c</strike> <mono>d *e*</mono>');
  });
  it('nests them', () => expect(draw('*a _b_ c*')).toBe('<bold>a <italic>b</italic> c</bold>'));
  it('leaves signs that are none', () => {
    expect(draw('2*3*4 snake_case_name * a * a*b ** *')).toBe('2*3*4 snake_case_name * a * a*b ** *');
  });
  it('does not run over a line', () => expect(draw('*a\nb*')).toBe('*a\nb*'));
  it('closes before a full stop', () => expect(draw('(*now*).')).toBe('(<bold>now</bold>).'));
});

describe('variables', () => {
  it('fills values inside marks and shows what is missing', () => {
    expect(draw('Hi *{{ name }}*, {{ city | default: "you" }} {{ shop }} {{ empty | default: "x" }}')).toBe(
      'Hi <bold>[Anna 🌸]</bold>, [Ipoh] [?{{ shop }}] [x]',
    );
  });
  it('names what is missing once', () => expect(missing('{{ shop }} {{shop}} {{ name }}', anna)).toEqual(['shop']));
  it('gives the text as sent', () => expect(textFor('Hi {{ NAME }}', anna)).toBe('Hi Anna 🌸'));
  it('writes a variable that can be read again', () => {
    expect(variable('name', 'my "friend"')).toBe('{{ name | default: "my ’friend’" }}');
    expect(variable('name', ' ')).toBe('{{ name }}');
  });
});
