// Moments as people write them: words in the page's language, order and clock (12 or 24 hours) as the reader's browser has them.
import { serverNow } from './server-clock';

const DAY = 86_400_000;
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: 'numeric' }).resolvedOptions();
const hours = hourCycle === 'h23' || hourCycle === 'h24' ? '2-digit' : 'numeric';

type Format = (moment: Date) => string;

export class Times {
  private readonly locale: string;
  private readonly time: Format;
  private readonly weekday: Format;
  private readonly shortWeekday: Format;
  private readonly date: Format;
  private readonly dateAndYear: Format;
  private readonly shortDate: Format;
  private readonly numbers: Format;
  private readonly exact: Format;
  private readonly relative: Intl.RelativeTimeFormat;

  constructor(language: string) {
    // The reader's own kind of the language, such as British English. A server that renders an application has no navigator.
    const known = globalThis.navigator?.languages ?? [];
    this.locale = known.find((one) => one.split('-')[0] === language) ?? language;
    const inWords = (options: Intl.DateTimeFormatOptions): Format =>
      new Intl.DateTimeFormat(this.locale, {
        ...options,
        ...((options.hour || options.timeStyle) && hourCycle && { hourCycle }),
      }).format;
    this.time = inWords({ hour: hours, minute: '2-digit' });
    this.weekday = inWords({ weekday: 'long' });
    this.shortWeekday = inWords({ weekday: 'short' });
    this.date = inWords({ day: 'numeric', month: 'long' });
    this.dateAndYear = inWords({ day: 'numeric', month: 'long', year: 'numeric' });
    this.shortDate = inWords({ day: 'numeric', month: 'short' });
    this.numbers = inWords({ day: '2-digit', month: '2-digit', year: '2-digit' });
    this.exact = inWords({ dateStyle: 'long', timeStyle: 'medium' });
    this.relative = new Intl.RelativeTimeFormat(this.locale, { numeric: 'auto' });
  }

  /** 14:05, 2:05 PM */
  clock(moment: string): string {
    return this.time(new Date(moment));
  }

  /** Today, Yesterday, Monday, 3 November, 3 November 2025 */
  day(moment: string): string {
    const today = () => this.capital(this.relative.format(0, 'day'));
    return this.dated(moment, today, this.weekday, this.date, this.dateAndYear);
  }

  /** As short as a list has room for. */
  shortly(moment: string): string {
    return this.dated(moment, this.time, this.shortWeekday, this.shortDate, this.numbers);
  }

  exactly(moment: string): string {
    return this.exact(new Date(moment));
  }

  /** just now, 5 minutes ago, yesterday */
  ago(moment: string): string {
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
    return minutes < 1
      ? this.relative.format(0, 'second')
      : this.relative.format(-Math.round(count), unit);
  }

  /** How long one moment is before another: 5 minutes, 30 hours, 3 days. */
  span(from: string, to: string): string {
    const minutes = Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / 60_000));
    const [count, unit] =
      minutes < 100
        ? [minutes, 'minute']
        : minutes < 48 * 60
          ? [Math.round(minutes / 60), 'hour']
          : [Math.round(minutes / 60 / 24), 'day'];
    return new Intl.NumberFormat(this.locale, { style: 'unit', unit, unitDisplay: 'long' }).format(
      count,
    );
  }

  private dated(
    moment: string,
    today: Format,
    weekday: Format,
    date: Format,
    year: Format,
  ): string {
    const [then, now] = [new Date(moment), new Date(serverNow())];
    const days = Math.round((midnight(now) - midnight(then)) / DAY);
    return days <= 0
      ? today(then)
      : days === 1
        ? this.capital(this.relative.format(-1, 'day'))
        : (days < 7 ? weekday : then.getFullYear() === now.getFullYear() ? date : year)(then);
  }

  private capital(words: string): string {
    return words.charAt(0).toLocaleUpperCase(this.locale) + words.slice(1);
  }
}

function midnight(moment: Date): number {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}
