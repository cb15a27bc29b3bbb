// Numbers inside sentences.

const numbers = new Intl.NumberFormat('en');

/** 1,240 */
export function number(n: number): string {
  return numbers.format(n);
}

/** "1 lead", "1,240 leads" */
export function count(n: number, one: string, many: string): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}
