import { differenceInCalendarDays, format, formatDistanceStrict, isSameYear } from 'date-fns';
import { serverNow } from './server-clock';

const now = () => new Date(serverNow());

/** 14:05 */
export function clock(moment: string): string {
  return format(new Date(moment), 'HH:mm');
}

/** Today, Yesterday, Monday, 3 November, 3 November 2025 */
export function day(moment: string): string {
  const date = new Date(moment);
  const ago = differenceInCalendarDays(now(), date);
  if (ago <= 0) {
    return 'Today';
  }
  return ago === 1
    ? 'Yesterday'
    : format(date, ago < 7 ? 'EEEE' : isSameYear(date, now()) ? 'd MMMM' : 'd MMMM yyyy');
}

/** As short as a list has room for. */
export function shortly(moment: string): string {
  const date = new Date(moment);
  const ago = differenceInCalendarDays(now(), date);
  if (ago <= 0) {
    return clock(moment);
  }
  return ago === 1
    ? 'Yesterday'
    : format(date, ago < 7 ? 'EEE' : isSameYear(date, now()) ? 'd MMM' : 'dd.MM.yy');
}

export function exactly(moment: string): string {
  return format(new Date(moment), 'd MMMM yyyy, HH:mm:ss');
}

export function ago(moment: string): string {
  return serverNow() - Date.parse(moment) < 60_000
    ? 'just now'
    : formatDistanceStrict(new Date(moment), now(), { addSuffix: true });
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
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
