// What a person reads when the database refuses, by the reason code in its details (docs/api.md). ReasonCodesTest demands a
// sentence in the texts for each code that a person may meet, or a reason why this page never meets it.
import type { Problem } from './types';
import type { Sentence, Texts } from '@/texts/en';

export type Refused = Pick<Problem, 'message' | 'hint' | 'code' | 'reason' | 'status'>;

/** Codes without a sentence: why this page does not meet them. */
const NEVER_MET: Record<string, string> = {
  page_size: 'the page asks for 1 to 200 rows',
  page_bounds: 'the page gives a whole bound or none',
  missing: 'the page gives each argument',
  id_nil: 'the page makes an id for each message',
  message_list: 'the page gives lists of its own making',
  status: 'the page offers the statuses that there are',
  old_snapshot: 'the service runs each call in a READ COMMITTED transaction',
  held: 'only a back end deletes what may be under legal hold',
  file_exists: 'the path of a file has the id of its message, so an earlier try has stored it',
  file_sent: 'a message is sent with the id that its file was sent with',
  file_path: 'the page makes names that can be stored',
  file_size: 'a browser knows how large a file is',
  file_metadata: 'the page keeps nothing with a file',
  sort: 'the page lists no files',
  push_off: 'the page offers push where the service sends it',
  push_host: 'the page says in a sentence of its own that this browser cannot be told',
  push_endpoint: 'the page says in a sentence of its own that this browser cannot be told',
  push_keys: 'the browser makes the keys',
  push_taken: 'the page subscribes anew',
};

/** Refusals that the same call meets again, whatever is done meanwhile. */
const LASTING = new Set([
  'yourself',
  'empty',
  'too_long',
  'id_taken',
  'deleted',
  'gone',
  'no_conversation',
  'no_message',
  'not_yours',
  'reaction',
  'file_too_large',
  'file_type',
  'file_lost',
]);

/** Of the service and of the page itself, beside the codes of the functions. */
const OTHERS = new Map<string, (t: Texts) => Sentence>([
  ['file_type', (t) => t.fileType],
  ['file_lost', (t) => t.fileLost],
  ['file_changed', (t) => t.fileChanged],
]);

/** An application's own refusal: PTxyz, as the chat's own, with a code in the details. Its words are for people. */
const OWN_CODE = /^[a-z][a-z0-9_]*$/;

/** Whether it helps to try the same again. */
export function mayHelp({ reason }: { reason: string | null }): boolean {
  return reason === null || !LASTING.has(reason);
}

/** What a person reads. No text of a program, and the database's own words only for a code of an application's own. */
export function sentenceOf({ message, hint, code, reason, status }: Refused, t: Texts): Sentence {
  if (reason !== null && Object.hasOwn(t.refusals, reason)) {
    return t.refusals[reason as keyof Texts['refusals']];
  }
  const other = OTHERS.get(reason ?? '');
  if (other) {
    return other(t);
  }
  const own = reason !== null && OWN_CODE.test(reason) && !Object.hasOwn(NEVER_MET, reason);
  return own && message && /^PT\d{3}$/.test(code) ? [message, hint] : sentenceFor(status, t);
}

/** Where no reason code says more: by the HTTP status, 0 for no answer. */
function sentenceFor(status: number, t: Texts): Sentence {
  switch (status) {
    case 0:
      return t.unreachable;
    case 401:
      return t.unauthorized;
    case 403:
      return t.forbidden;
    case 404:
      return t.notFitting;
    case 413:
      return t.refusals.too_long;
    case 429:
      return t.tooMuch;
    case 507:
      return t.diskFull;
    default:
      return status >= 500 ? t.trouble : t.failed;
  }
}
