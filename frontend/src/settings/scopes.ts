// What a key may be given, as in the API reference; and a command that shows it working.

export const SCOPES = [
  'devices:read',
  'devices:write',
  'devices:control',
  'leads:read',
  'leads:write',
  'messages:send',
  'campaigns:read',
  'campaigns:manage',
  'campaigns:send',
  'analytics:read',
  'consent:read',
  'consent:write',
  'settings:write',
];

/** What only an administrator may give to a key. */
export const ADMIN_SCOPES = ['metrics:read'];

/** Scopes by the word before the colon, in their order. */
export function groupsOf(scopes: string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const scope of scopes) {
    const group = scope.split(':')[0] ?? scope;
    groups.set(group, [...(groups.get(group) ?? []), scope]);
  }
  return [...groups];
}

export function curlExample(origin: string, key: string): string {
  return `curl -H "Authorization: Bearer ${key}" ${origin}/api/devices`;
}
