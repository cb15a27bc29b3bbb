// Ids of the editor's inputs, so that a summary of problems can lead to them.

export function fieldId(field: string): string {
  return `campaigns-editor-${field}`;
}
