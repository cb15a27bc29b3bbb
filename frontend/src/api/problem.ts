// One class for everything that can go wrong with a request, and the one way to put it on a form.

export interface FieldError {
  field: string;
  code: string;
  message: string;
}

interface ProblemBody {
  status?: number;
  code?: string;
  title?: string;
  detail?: string | null;
  request_id?: string | null;
  errors?: FieldError[] | null;
  [extra: string]: unknown;
}

/** An RFC 9457 answer of the server, or `unreachable` when there was no answer at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  readonly requestId: string | null;
  readonly fields: FieldError[];
  /** Seconds to wait before trying again, from `Retry-After`. */
  readonly retryAfter: number | null;
  /** Everything the server sent, for the few codes with fields of their own (`existing_id`, `next_at`). */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(body: ProblemBody, response?: Response) {
    super(body.detail ?? body.title ?? body.code ?? 'problem');
    this.status = response?.status ?? body.status ?? 0;
    this.code = body.code ?? (this.status === 0 ? 'unreachable' : `http_${this.status}`);
    this.title = body.title ?? '';
    this.detail = body.detail ?? null;
    this.requestId = body.request_id ?? response?.headers.get('x-request-id') ?? null;
    this.fields = Array.isArray(body.errors) ? body.errors : [];
    const wait = Number(response?.headers.get('retry-after'));
    this.retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
    this.body = body;
  }
}

/** Anything thrown, as a Problem; a failed fetch becomes `unreachable`. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem({ code: 'unreachable' });
}

/** The part of Mantine's form that problems need. */
interface FormLike {
  setErrors: (errors: Record<string, string>) => void;
  getValues: () => object;
}

/**
 * Puts the field errors of a problem on their fields and returns those the form has no field for.
 * `renames` maps a name of the API to a field of the form, where they differ.
 */
export function showOnForm(form: FormLike, problem: Problem, renames: Record<string, string> = {}): FieldError[] {
  const known = new Set(Object.keys(form.getValues()));
  const errors: Record<string, string> = {};
  const rest: FieldError[] = [];
  for (const error of problem.fields) {
    const field = renames[error.field] ?? error.field;
    if (known.has(field.split(/[.[]/)[0] ?? field)) errors[field] = error.message;
    else rest.push(error);
  }
  form.setErrors(errors);
  return rest;
}
