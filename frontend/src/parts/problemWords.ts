// A problem as a sentence.
import type { Problem } from '@/api/problem';
import type { Words } from '@/words';

/** The sentence for a problem: our own words for known codes, the server's sentence for others. */
export function problemWords(t: Words, problem: Problem): string {
  const known = problem.status === 422 ? undefined : t.problems.byCode[problem.code];
  const words = known ?? problem.detail ?? (problem.title || (t.problems.byCode.http_500 ?? problem.code));
  return problem.retryAfter === null ? words : `${words} ${t.problems.waitSeconds(problem.retryAfter)}`;
}
