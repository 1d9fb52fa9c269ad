import en, { type Messages } from './lang/en.ts';

export interface Language {
  /** In the language itself. */
  name: string;
  load: () => Promise<{ default: Messages }>;
  rtl?: boolean;
}

/** A new language is a file in lang/ and a line here. English is part of main.js, so that there always are texts. */
export const LANGUAGES: Record<string, Language> = {
  en: { name: 'English', load: async () => ({ default: en }) },
  id: { name: 'Bahasa Indonesia', load: () => import('./lang/id.ts') },
  es: { name: 'Español', load: () => import('./lang/es.ts') },
  pt: { name: 'Português', load: () => import('./lang/pt.ts') },
  ar: { name: 'العربية', load: () => import('./lang/ar.ts'), rtl: true },
};
