// What a person reads when the database refuses, by the reason code in its details (docs/api.md). ReasonCodesTest demands a
// sentence for each code that a person may meet, or a reason why this page never meets it.

type Sentence = [message: string, hint: string | null];

const SENTENCES: Partial<Record<string, Sentence>> = {
  inactive: ['Your account is not active.', 'Ask your team to activate it.'],
  unsigned: ['The chat is not set up right.', 'Tell whoever runs it.'],
  blocking: ['You have blocked this person.', 'Unblock them to write again.'],
  blocked: ['This person does not take messages from you.', null],
  apart: ['You two are no longer in one team.', 'What was said stays here to read.'],
  gone: ['This person no longer uses the chat.', 'What was said stays here to read.'],
  no_conversation: ['This conversation is not here any more.', null],
  not_yours: ['This belongs to somebody else.', null],
  nobody: ['You cannot write to this person.', 'They may have left your team.'],
  no_message: ['This message is not here any more.', null],
  yourself: ['You cannot do this with yourself.', null],
  empty: ['There is nothing to send.', 'Write something first.'],
  too_long: ['This is too long.', 'Shorten it or send it in parts.'],
  id_taken: ['This message could not be sent.', 'Write it again.'],
  deleted: ['This message was deleted.', null],
  reaction: ['A reaction is one emoji.', null],
  too_many_reactions: ['You have given this message many reactions.', 'Take one back first.'],
  no_word: ['Search for at least one word.', null],
  lost_race: ['Something else happened at the same moment.', 'Try again.'],
};

/** Codes without a sentence: why this page does not meet them. */
export const NEVER_MET: Record<string, string> = {
  page_size: 'the page asks for 20 to 200 rows',
  page_bounds: 'the page gives a whole bound or none',
  missing: 'the page gives each argument',
  id_nil: 'the page makes an id for each message',
  message_list: 'the page marks whole conversations as read',
  status: 'the page offers the statuses that there are',
  old_snapshot: 'the service runs each call in a READ COMMITTED transaction',
  held: 'only a back end deletes what may be under legal hold',
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
]);

/** Whether it helps to try the same again. */
export function mayHelp({ reason }: { reason: string | null }): boolean {
  return reason === null || !LASTING.has(reason);
}

/** The page's own sentence for a refusal; undefined for a code without one. */
export function sentence(code: string | null): Sentence | undefined {
  return code === null || !Object.hasOwn(SENTENCES, code) ? undefined : SENTENCES[code];
}

/** What a person reads where no reason code says more: by the HTTP status, 0 for no answer. No text of a program. */
export function sentenceFor(status: number): Sentence {
  switch (status) {
    case 0:
      return ['The service cannot be reached.', 'Check your connection.'];
    case 401:
      return ['You are signed out.', 'Sign in again.'];
    case 403:
      return ['You may not do this.', null];
    case 404:
      return ['This page and the service do not fit together.', 'Load the page again.'];
    case 413:
      return ['This is too long.', 'Shorten it or send it in parts.'];
    case 429:
      return ['That was a lot at once.', 'Wait a moment.'];
    default:
      return status >= 500
        ? ['The service has trouble at the moment.', 'Try again in a moment.']
        : ['This did not work.', null];
  }
}
