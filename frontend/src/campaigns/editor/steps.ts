// The steps of the editor, as they stand in the address.

export const steps = ['basics', 'message', 'when', 'plan'] as const;
export type Step = (typeof steps)[number];
