// Who is signed in, and everything an account does: sign in, register, set up, profile, sign-ins.
import { queryOptions, useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import type { Me } from '@/api/types';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => ask(api.GET('/api/me')),
  staleTime: 60_000,
});

/** The person signed in; only for pages in the shell, where it is always there. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** Whether the person may do this: a role word of the API, 'operator' or 'owner'. */
export function useMay(role: 'operator' | 'owner'): boolean {
  const mine = useMe().user.role;
  return role === 'owner' ? mine === 'owner' : mine === 'owner' || mine === 'operator';
}

export function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { email: string; password: string }) => ask(api.POST('/api/login', { body })),
    onSuccess: () => cache.clear(),
  });
}

export function useRegister() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { full_name: string; email: string; password: string }) => ask(api.POST('/api/register', { body })),
    onSuccess: () => cache.clear(),
  });
}

export function useSignOut() {
  return useMutation({
    mutationFn: () => ask(api.POST('/api/logout')),
    // A fresh page: nothing of this account stays in memory.
    onSettled: () => window.location.assign('/login'),
  });
}

/** Whether this is a first start, whether registration is open, and the system check. */
export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: () => ask(api.GET('/api/setup')),
});

export function useSetup() {
  return useQuery(setupQuery);
}

export interface SetupAnswers {
  full_name: string;
  email: string;
  current_password: string;
  new_password: string;
  time_zone: string;
  default_country: string | null;
  registration: string;
  accept_terms: boolean;
}

/** What the set-up asked for; the password first, and only when a new one was typed. */
export function useFinishSetup() {
  return useMutation({
    mutationFn: async ({ current_password, new_password, registration, ...answers }: SetupAnswers) => {
      if (new_password !== '') await ask(api.POST('/api/me/password', { body: { current_password, new_password } }));
      return ask(api.POST('/api/setup', { body: { ...answers, registration: registration as 'open' | 'invite' | 'closed' } }));
    },
  });
}

function useProfileChange<Input>(change: (input: Input) => Promise<unknown>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => cache.invalidateQueries({ queryKey: ['me'] }) });
}

export function useSaveProfile() {
  return useProfileChange((body: { full_name?: string; time_zone?: string; theme?: 'light' | 'dark' | 'system' }) =>
    ask(api.PUT('/api/me', { body })),
  );
}

/** Other sign-ins end. */
export function useChangePassword() {
  return useProfileChange((body: { current_password: string; new_password: string }) =>
    ask(api.POST('/api/me/password', { body })),
  );
}

export function useSignIns() {
  return useQuery({ queryKey: ['me', 'sign-ins'], queryFn: () => ask(api.GET('/api/me/sign-ins')) });
}

export function useEndSignIn() {
  return useProfileChange((id: string) => ask(api.DELETE('/api/me/sign-ins/{id}', { params: { path: { id } } })));
}
