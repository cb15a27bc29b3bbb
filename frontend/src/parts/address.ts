// An address with a question mark, as the router's links want it.

/** "/devices?state=online" as { to: '/devices', search: { state: 'online' } }; true, false and numbers become values. */
export function address(href: string): { to: string; search?: undefined } {
  const [to = '/', query] = href.split('?');
  if (query === undefined) return { to };
  const search: Record<string, unknown> = {};
  for (const [name, text] of new URLSearchParams(query)) search[name] = valueOf(text);
  // A link drawn by Mantine loses the router's typing of `search`; the values are checked by the route itself.
  return { to, search: search as unknown as undefined };
}

function valueOf(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}
