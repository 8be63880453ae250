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

/** The page's own sentence for a refusal; undefined for a code without one. */
export function sentence(code: string | null): Sentence | undefined {
  return code === null || !Object.hasOwn(SENTENCES, code) ? undefined : SENTENCES[code];
}
