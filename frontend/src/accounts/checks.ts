// Checks of account fields before anything is sent. The server has the last word.
import type { Words } from '@/words';

export const MIN_PASSWORD = 12;

export function checkName(t: Words, value: string): string | null {
  return value.trim() === '' ? t.accounts.checks.nameMissing : null;
}

export function checkEmail(t: Words, value: string): string | null {
  return /^[^\s@]+@[^\s@]+$/.test(value.trim()) ? null : t.accounts.checks.emailWrong;
}

export function checkNewPassword(t: Words, value: string): string | null {
  return value.length >= MIN_PASSWORD ? null : t.accounts.checks.passwordShort(value.length);
}

export function checkSame(t: Words, value: string, other: string): string | null {
  return value === other ? null : t.accounts.checks.passwordsDiffer;
}
