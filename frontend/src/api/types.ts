// Names for what the API sends and takes. Pages import these, never the generated file itself.
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Me = Schemas['Me'];
export type SignIn = Schemas['SignIn'];
export type Setup = Schemas['Setup'];
export type Settings = Schemas['Settings'];
export type ApiKey = Schemas['ApiKey'];
export type NewApiKey = Schemas['NewApiKey'];
export type Device = Schemas['Device'];
export type Driver = Schemas['Driver'];
export type CheckedNumber = Schemas['CheckedNumber'];
export type DeviceNumber = Schemas['Number'];
export type Template = Schemas['Template'];
export type Limits = Schemas['Limits'];
export type DeviceEvent = Schemas['DeviceEvent'];
export type DeviceHealth = Schemas['DeviceHealth'];
export type DeletionPreview = Schemas['DeletionPreview'];
export type Qr = Schemas['Qr'];
export type PairCode = Schemas['PairCode'];
export type Lead = Schemas['Lead'];
export type Facets = Schemas['Facets'];
export type MadeLead = Schemas['LeadMade'];
export type LeadFilter = Schemas['FilterIn'];
export type TargetStatus = Schemas['LeadsTargetStatus'];
export type BulkAction = Schemas['BulkAction'];
export type BulkBody = Schemas['BulkIn'];
export type BulkResult = Schemas['Bulk'];
export type Import = Schemas['Import'];
export type ImportDetail = Schemas['ImportDetail'];
export type ImportPreview = Schemas['Preview'];
export type ReportRow = Schemas['ReportRow'];
export type OnDuplicate = Schemas['OnDuplicate'];
export type Job = Schemas['Job'];
export type Worker = Schemas['Worker'];
export type Workers = Schemas['Workers'];
export type BroadcastStats = Schemas['Stats'];
export type Campaign = Schemas['Campaign'];
export type CampaignIn = Schemas['CampaignIn'];
export type Counts = Schemas['Counts'];
export type Plan = Schemas['Plan'];
export type DevicePlan = Schemas['DevicePlan'];
export type DeviceReport = Schemas['DeviceReport'];
export type DeviceRow = Schemas['DeviceRow'];
export type Message = Schemas['Message'];
export type Dashboard = Schemas['Dashboard'];
export type Simulation = Schemas['SimulateIn'];
export type Alert = Schemas['Alert'];

/** One page of a list: the API's cursor paging. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total?: number | null;
}
