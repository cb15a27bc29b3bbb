import { describe, expect, it } from 'vitest';
import { en } from '@/words/en';
import { problemWords } from '@/parts/problemWords';
import { Problem, showOnForm, toProblem } from './problem';

function form(values: object) {
  const seen: Record<string, string>[] = [];
  return { seen, getValues: () => values, setErrors: (errors: Record<string, string>) => void seen.push(errors) };
}

describe('problems', () => {
  it('take code, request number and waiting time from the answer', () => {
    const response = new Response(null, { status: 429, headers: { 'Retry-After': '12', 'X-Request-Id': 'req_7' } });
    const problem = new Problem({ code: 'rate_limited', title: 'Too many' }, response);
    expect([problem.status, problem.code, problem.retryAfter, problem.requestId]).toEqual([429, 'rate_limited', 12, 'req_7']);
  });

  it('call a request without an answer unreachable', () => {
    expect(toProblem(new TypeError('failed to fetch')).code).toBe('unreachable');
  });

  it('land on their fields, also under another name and inside objects; the rest is handed back', () => {
    const target = form({ name: '', expires: '', limits: {} });
    const problem = new Problem({
      status: 422,
      errors: [
        { field: 'expires_at', code: 'past', message: 'In the past.' },
        { field: 'limits.per_day', code: 'too_low', message: 'Too low.' },
        { field: 'elsewhere', code: 'x', message: 'Other.' },
      ],
    });
    const rest = showOnForm(target, problem, { expires_at: 'expires' });
    expect(target.seen).toEqual([{ expires: 'In the past.', 'limits.per_day': 'Too low.' }]);
    expect(rest.map((error) => error.field)).toEqual(['elsewhere']);
  });

  it('are told in our words when the code is known, else in the server’s', () => {
    expect(problemWords(en, new Problem({ status: 404, code: 'not_found', detail: 'Gone' }))).toBe(en.problems.byCode.not_found);
    expect(problemWords(en, new Problem({ status: 409, code: 'already_linked', detail: 'It is linked.' }))).toBe('It is linked.');
  });
});
