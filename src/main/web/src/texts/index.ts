// The languages of the page, and what is written by the rules of one.
import { en, type Sentence, type Texts } from './en';
import { Times } from '@/lib/time';
import { sentenceOf, type Refused } from '@/lib/refusals';

export type Language = 'en' | 'de' | 'ar';

/** Each by its own name. */
export const LANGUAGES: Record<Language, string> = {
  en: 'English',
  de: 'Deutsch',
  ar: 'العربية',
};

/** Others than English come when somebody wants them. */
const CATALOGUES: Record<Exclude<Language, 'en'>, () => Promise<Texts>> = {
  de: async () => (await import('./de')).de,
  ar: async () => (await import('./ar')).ar,
};

/** A catalogue of an application's own: a language that the page does not have. */
export interface Catalogue {
  /** As BCP 47 has it: `fr`, `pt-BR`. */
  language: string;
  direction?: 'ltr' | 'rtl';
  texts: Texts;
}

/** Single texts in place of the catalogue's; sentences also for refusals with reason codes of one's own. */
export type SomeTexts = {
  [Name in keyof Texts]?: Name extends 'refusals'
    ? Record<string, Sentence>
    : Texts[Name] extends string | unknown[] | ((...args: never[]) => string)
      ? Texts[Name]
      : Partial<Texts[Name]>;
};

export class Words {
  readonly direction: 'ltr' | 'rtl';
  readonly times: Times;
  readonly number: (value: number) => string;
  readonly percent: (part: number) => string;

  constructor(
    readonly language: string,
    readonly t: Texts,
    direction?: 'ltr' | 'rtl',
  ) {
    this.direction = direction ?? (language === 'ar' ? 'rtl' : 'ltr');
    this.times = new Times(language);
    this.number = new Intl.NumberFormat(language).format;
    this.percent = new Intl.NumberFormat(language, { style: 'percent' }).format;
  }

  /** The same with these texts in place of its own. */
  with(some: SomeTexts): Words {
    const own: Record<string, unknown> = this.t;
    const changed = Object.entries(some).map(([name, text]) => [
      name,
      typeof text === 'object' && !Array.isArray(text)
        ? { ...(own[name] as object), ...text }
        : text,
    ]);
    const texts = { ...this.t, ...(Object.fromEntries(changed) as Partial<Texts>) };
    return new Words(this.language, texts, this.direction);
  }

  /** What a person reads when something was not done. */
  readonly told = (refused: Refused): string =>
    sentenceOf(refused, this.t)
      .filter((part) => part !== null)
      .join(' ');

  /** A size with the unit that suits it. */
  readonly size = (bytes: number): string => {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
    return new Intl.NumberFormat(this.language, {
      style: 'unit',
      unit: units[power]!,
      unitDisplay: power === 0 ? 'long' : 'short',
      minimumFractionDigits: power === 0 ? 0 : 1,
      maximumFractionDigits: 1,
    }).format(bytes / 1000 ** power);
  };
}

export const ENGLISH = new Words('en', en);

export async function wordsIn(language: Language): Promise<Words> {
  return language === 'en' ? ENGLISH : new Words(language, await CATALOGUES[language]());
}

export function isLanguage(name: string | null | undefined): name is Language {
  return name != null && Object.hasOwn(LANGUAGES, name);
}

/** The first language of the browser that the page has; else English. */
export function browserLanguage(): Language {
  return navigator.languages.map((name) => name.split('-')[0]).find(isLanguage) ?? 'en';
}
