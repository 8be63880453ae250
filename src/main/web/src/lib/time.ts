import { differenceInCalendarDays, format, formatDistanceToNowStrict, isSameYear } from 'date-fns';

const now = () => new Date();

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
  return Date.now() - Date.parse(moment) < 60_000
    ? 'just now'
    : formatDistanceToNowStrict(new Date(moment), { addSuffix: true });
}
