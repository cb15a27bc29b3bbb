// Which column of a file goes to which field of a lead: what the server would refuse, and names for extra fields. Pure.
import type { Mapping } from './types';

export const EXTRA = 'attributes.';

/** The extra field a column could become, or null when its name cannot be one. */
export function attributeOf(column: string): string | null {
  const name = column
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^[^A-Za-z]+|_+$/g, '')
    .slice(0, 40)
    .toLowerCase();
  return name === '' || ['name', 'phone', 'niche'].includes(name) ? null : name;
}

export type MappingProblem = { kind: 'needName' } | { kind: 'needPhone' } | { kind: 'twice'; target: string };

/** What the server would refuse. */
export function mappingProblem(mapping: Mapping): MappingProblem | null {
  const targets = Object.values(mapping).filter((target) => target !== null);
  const doubled = targets.find((target, index) => targets.indexOf(target) !== index);
  if (doubled !== undefined) return { kind: 'twice', target: doubled };
  if (!targets.includes('name')) return { kind: 'needName' };
  return targets.includes('phone') ? null : { kind: 'needPhone' };
}

/** Whether a column `status` stands for target status, which is worth telling. */
export function readsStatus(mapping: Mapping): boolean {
  return Object.entries(mapping).some(([name, target]) => name.toLowerCase() === 'status' && target === 'target_status');
}
