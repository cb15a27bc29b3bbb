// One query client with the house rules: no retry of what a person must fix, no refetch storms.
import { QueryClient } from '@tanstack/react-query';
import { toProblem } from './problem';

export function makeQueryClient(): QueryClient {
  return new QueryClient({
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
