// The page's language. Parts read their texts here and hold none themselves; another language is another tree of the same type.
import { createContext, useContext } from 'react';
import { en, type Words } from './en';

export type { Words };

export const languages: Record<string, Words> = { en };

const WordsContext = createContext<Words>(en);
export const WordsProvider = WordsContext.Provider;

/** All texts of the page in the language of the person looking at it. */
export function useWords(): Words {
  return useContext(WordsContext);
}
