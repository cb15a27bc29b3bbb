// Names for what the API says about consent.
import type { components } from '@/api/schema';

type Schemas = components['schemas'];

export type OptOut = Schemas['OptOutEntry'];
export type OptOutBody = Schemas['OptOutIn'];
export type BlockList = Schemas['BlockList'];
export type Hold = Schemas['Hold'];
export type Consent = Schemas['Consent'];
export type ConsentBody = Schemas['ConsentIn'];
export type Person = Schemas['Person'];
export type FoundPerson = Schemas['FoundPerson'];
