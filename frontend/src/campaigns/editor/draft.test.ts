import { describe, expect, it } from 'vitest';
import { en } from '@/words/en';
import { bodyOf, countBodyOf, emptyDraft, firstStep, lengthOf, wrongFields, type Draft } from './draft';
import type { StoredFile } from '@/parts/files';
import { sizeWords } from '@/parts/sizeWords';
import { trimmed } from './textTools';

const t = en.campaigns.editor.wrong;
const good: Draft = { ...emptyDraft('Asia/Kuala_Lumpur'), title: 'Spring', niches: ['FITNESS'], message: 'Hi' };
const wrong = (change: Partial<Draft>) => Object.keys(wrongFields({ ...good, ...change }, t, '2026-11-21'));

const film: StoredFile = { media_id: 'm', url: '/m', kind: 'video', name: 'film.mp4', size: 1, original_size: 1 };

describe('checks before asking the server', () => {
  it('finds nothing wrong with a good draft', () => expect(wrong({})).toEqual([]));
  it('wants a title, a niche and something to send', () => {
    expect(wrong({ title: ' ', niches: [], message: ' ' })).toEqual(['title', 'niches', 'message']);
    expect(wrong({ niches: [], is_for_all: true })).toEqual([]);
    expect(wrong({ message: '', file: film })).toEqual([]);
  });
  it('puts no text under a sound, and a shorter one under other files', () => {
    expect(wrong({ file: { ...film, kind: 'audio' }, message: 'Listen' })).toEqual(['message']);
    expect(wrong({ file: { ...film, kind: 'audio' }, message: ' ' })).toEqual([]);
    expect(wrong({ file: film, message: 'x'.repeat(1024) })).toEqual([]);
    expect(wrong({ file: film, message: 'x'.repeat(1025) })).toEqual(['message']);
  });
  it('counts an emoji once, as the server does', () => {
    expect(lengthOf('🌸a')).toBe(2);
    expect(wrong({ message: '🌸'.repeat(4096) })).toEqual([]);
    expect(wrong({ message: '🌸'.repeat(4097) })).toEqual(['message']);
  });
  it('wants the longest pause at least as long as the shortest', () => {
    expect(wrong({ min_delay_seconds: 30, max_delay_seconds: 10 })).toEqual(['max_delay_seconds']);
    expect(wrong({ min_delay_seconds: '' })).toEqual(['min_delay_seconds']);
  });
  it('refuses a day that has passed, and a day without a time', () => {
    expect(wrong({ is_now: false, campaign_date: '2026-11-20', time_schedule: '10:00' })).toEqual(['campaign_date']);
    expect(wrong({ is_now: false, campaign_date: '2026-11-21' })).toEqual(['time_schedule']);
  });
  it('leads to the first step at fault', () => {
    expect(firstStep(['max_delay_seconds', 'message'])).toBe('message');
    expect(firstStep(['something_new'])).toBeNull();
  });
});

describe('requests', () => {
  it('sends no time when it starts now', () => {
    const body = bodyOf({ ...good, campaign_date: '2026-12-01', time_schedule: '10:00' });
    expect([body.campaign_date, body.time_schedule, body.niche]).toEqual([null, null, 'FITNESS']);
  });
  it('asks only for a count while the rest is missing', () => {
    expect(countBodyOf({ ...good, title: '', message: '' })).toMatchObject({ title: '–', message: '–', niche: 'FITNESS' });
    expect(countBodyOf({ ...good, niches: [] })).toBeNull();
  });
});

describe('small things', () => {
  it('says sizes', () => expect([sizeWords(312_000), sizeWords(4_800_000)]).toEqual(['312 KB', '4.8 MB']));
  it('keeps marks off spaces', () => expect(trimmed('a  b ', 1, 5)).toEqual({ from: 3, to: 4 }));
});
