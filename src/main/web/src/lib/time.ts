// Moments as people write them: words in the page's language, order and clock (12 or 24 hours) as the reader's browser has them.
import { serverNow } from './server-clock';

const DAY = 86_400_000;
const LANGUAGE = document.documentElement.lang || 'en';
/** The reader's own kind of the page's language, such as British English. */
const LOCALE =
  navigator.languages.find((one) => one.split('-')[0] === LANGUAGE.split('-')[0]) ?? LANGUAGE;
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();

const inWords = (options: Intl.DateTimeFormatOptions) => {
  const { format } = new Intl.DateTimeFormat(LOCALE, {
    ...options,
    ...((options.hour || options.timeStyle) && hourCycle && { hourCycle }),
  });
  return (moment: Date) => format(moment);
};
const hours = hourCycle === 'h23' || hourCycle === 'h24' ? '2-digit' : 'numeric';
const TIME = inWords({ hour: hours, minute: '2-digit' });
const WEEKDAY = inWords({ weekday: 'long' });
const SHORT_WEEKDAY = inWords({ weekday: 'short' });
const DATE = inWords({ day: 'numeric', month: 'long' });
const DATE_AND_YEAR = inWords({ day: 'numeric', month: 'long', year: 'numeric' });
const SHORT_DATE = inWords({ day: 'numeric', month: 'short' });
const NUMBERS = inWords({ day: '2-digit', month: '2-digit', year: '2-digit' });
const EXACT = inWords({ dateStyle: 'long', timeStyle: 'medium' });
const RELATIVE = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' });

/** 14:05, 2:05 PM */
export function clock(moment: string): string {
  return TIME(new Date(moment));
}

/** Today, Yesterday, Monday, 3 November, 3 November 2025 */
export function day(moment: string): string {
  return dated(moment, () => capital(RELATIVE.format(0, 'day')), WEEKDAY, DATE, DATE_AND_YEAR);
}

/** As short as a list has room for. */
export function shortly(moment: string): string {
  return dated(moment, TIME, SHORT_WEEKDAY, SHORT_DATE, NUMBERS);
}

export function exactly(moment: string): string {
  return EXACT(new Date(moment));
}

/** just now, 5 minutes ago, yesterday */
export function ago(moment: string): string {
  const minutes = (serverNow() - Date.parse(moment)) / 60_000;
  const [count, unit] =
    minutes < 60
      ? ([minutes, 'minute'] as const)
      : minutes < 24 * 60
        ? ([minutes / 60, 'hour'] as const)
        : minutes < 30 * 24 * 60
          ? ([minutes / 60 / 24, 'day'] as const)
          : minutes < 365 * 24 * 60
            ? ([minutes / 60 / 24 / 30, 'month'] as const)
            : ([minutes / 60 / 24 / 365, 'year'] as const);
  return minutes < 1 ? RELATIVE.format(0, 'second') : RELATIVE.format(-Math.round(count), unit);
}

/** How long one moment is before another: 5 minutes, 30 hours, 3 days. */
export function span(from: string, to: string): string {
  const minutes = Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 60_000));
  const [count, unit] =
    minutes < 100
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / 60 / 24), 'day'];
  return new Intl.NumberFormat(LOCALE, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

type Format = (moment: Date) => string;

function dated(moment: string, today: Format, weekday: Format, date: Format, year: Format): string {
  const [then, now] = [new Date(moment), new Date(serverNow())];
  const days = Math.round((midnight(now) - midnight(then)) / DAY);
  return days <= 0
    ? today(then)
    : days === 1
      ? capital(RELATIVE.format(-1, 'day'))
      : (days < 7 ? weekday : then.getFullYear() === now.getFullYear() ? date : year)(then);
}

function midnight(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

function capital(words: string): string {
  return words.charAt(0).toLocaleUpperCase(LOCALE) + words.slice(1);
}
