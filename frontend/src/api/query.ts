// One query client with the house rules: no retry of what a person must fix, no refetch storms.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { toProblem } from './problem';

/** `onSignedOut` is called when the server no longer knows the sign-in. */
export function makeQueryClient(onSignedOut: () => void = () => {}): QueryClient {
  const onError = (error: unknown) => {
    if (toProblem(error).code === 'unauthenticated') onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        refetchOnWindowFocus: true,
        retry: (count, error) => {
          const problem = toProblem(error);
          return (problem.status === 0 || problem.status >= 500) && count < 2;
        },
      },
      mutations: { retry: false },
    },
  });
}
