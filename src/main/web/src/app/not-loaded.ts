// What is said when the page itself could not be loaded, and with it no catalogue and no component.
import type { Language } from '@/texts';

const WORDS: Record<Language, { notLoaded: string; loadAgain: string }> = {
  en: { notLoaded: 'This page could not be loaded.', loadAgain: 'Load the page again' },
  de: { notLoaded: 'Diese Seite konnte nicht geladen werden.', loadAgain: 'Seite neu laden' },
  ar: { notLoaded: 'تعذّر تحميل هذه الصفحة.', loadAgain: 'أعد تحميل الصفحة' },
};

/** Over the skeleton, which stays. */
export function sayNotLoaded(): void {
  const language = navigator.languages.map((name) => name.split('-')[0]).find(isHere) ?? 'en';
  const notice = document.createElement('div');
  notice.className = 'notice notice-not-loaded';
  notice.lang = language;
  notice.dir = language === 'ar' ? 'rtl' : 'ltr';
  notice.role = 'alert';
  const words = document.createElement('span');
  words.textContent = WORDS[language].notLoaded;
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'link-button';
  again.textContent = WORDS[language].loadAgain;
  again.addEventListener('click', () => location.reload());
  notice.append(words, again);
  document.body.append(notice);
}

function isHere(name: string | undefined): name is Language {
  return name !== undefined && Object.hasOwn(WORDS, name);
}
