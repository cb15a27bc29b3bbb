// English: one file for each folder of pages, put together here.
import { accounts } from './accounts';
import { app } from './app';
import { campaigns } from './campaigns';
import { consent } from './consent';
import { dashboard } from './dashboard';
import { devices } from './devices';
import { kinds } from './kinds';
import { leads } from './leads';
import { parts } from './parts';
import { problems } from './problems';
import { settings } from './settings';
import { states } from './states';
import { workers } from './workers';

export const en = { app, accounts, campaigns, consent, dashboard, devices, kinds, leads, parts, problems, settings, states, workers };

export type Words = typeof en;
