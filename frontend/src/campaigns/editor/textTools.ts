// Changes a text area as typing would, so that the browser's undo still works.

/** Puts text in place of the selection. */
export function putIn(area: HTMLTextAreaElement, text: string): void {
  const { selectionStart, selectionEnd } = area;
  area.focus();
  area.setSelectionRange(selectionStart, selectionEnd);
  if (document.execCommand?.('insertText', false, text)) return;
  const after = area.value.slice(0, selectionStart) + text + area.value.slice(selectionEnd);
  const setter = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set;
  setter?.call(area, after);
  area.setSelectionRange(selectionStart + text.length, selectionStart + text.length);
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Sets marks around the selection, without the spaces at its ends, or takes them off; keeps it selected. */
export function wrapWith(area: HTMLTextAreaElement, sign: string): void {
  const { selectionStart: start, selectionEnd: end, value } = area;
  const { from, to } = trimmed(value, start, end);
  const isMarked = value.slice(from - sign.length, from) === sign && value.slice(to, to + sign.length) === sign;
  const inside = value.slice(from, to);
  if (isMarked) {
    area.setSelectionRange(from - sign.length, to + sign.length);
    putIn(area, inside);
    area.setSelectionRange(from - sign.length, to - sign.length);
    return;
  }
  area.setSelectionRange(from, to);
  putIn(area, sign + inside + sign);
  area.setSelectionRange(from + sign.length, to + sign.length);
}

/** A selection without the spaces at its ends: WhatsApp draws no mark beside a space. */
export function trimmed(value: string, start: number, end: number): { from: number; to: number } {
  let from = start;
  let to = end;
  while (from < to && /\s/.test(value[from] ?? '')) from += 1;
  while (to > from && /\s/.test(value[to - 1] ?? '')) to -= 1;
  return { from, to };
}
