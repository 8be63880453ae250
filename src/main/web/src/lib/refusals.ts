// What a person reads when the database refuses, by the reason code in its details (docs/api.md).

type Sentence = [message: string, hint: string | null];

const SENTENCES: Partial<Record<string, Sentence>> = {
  inactive: ['Your account is not active.', 'Ask your team to activate it.'],
  blocking: ['You have blocked this person.', 'Unblock them to write again.'],
  blocked: ['This person does not take messages from you.', null],
  apart: ['You two are no longer in one team.', 'What was said stays here to read.'],
  gone: ['This person no longer uses the chat.', 'What was said stays here to read.'],
  no_conversation: ['This conversation is not here any more.', null],
  nobody: ['You cannot write to this person.', 'They may have left your team.'],
  no_message: ['This message is not here any more.', null],
  empty: ['There is nothing to send.', 'Write something first.'],
  too_long: ['This is too long.', 'Shorten it or send it in parts.'],
  deleted: ['This message was deleted.', null],
  reaction: ['A reaction is one emoji.', null],
  too_many_reactions: ['You have given this message many reactions.', 'Take one back first.'],
};

/** The page's own sentence for a refusal; undefined for a code without one. */
export function sentence(code: string | null): Sentence | undefined {
  return code === null || !Object.hasOwn(SENTENCES, code) ? undefined : SENTENCES[code];
}
