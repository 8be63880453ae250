import { Fragment } from 'react';

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/giu;
const TRAILING = /[.,;:!?)\]}…]+$/u;

/** Text with its http(s) addresses clickable. Everything else stays text: React escapes it, and no HTML is ever made of it. */
export function LinkedText({ text }: { text: string }) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    if (!URL.canParse(address)) {
      continue;
    }
    parts.push(
      <Fragment key={match.index}>
        {text.slice(end, match.index)}
        <a href={address} target="_blank" rel="noopener noreferrer nofollow">
          {address}
        </a>
      </Fragment>,
    );
    end = match.index + address.length;
  }
  return (
    <>
      {parts}
      {text.slice(end)}
    </>
  );
}

/** Without the full stop of the sentence; a bracket stays when it was opened in the address. */
function trimmed(address: string): string {
  const tail = TRAILING.exec(address)?.[0] ?? '';
  const bare = address.slice(0, address.length - tail.length);
  return tail.startsWith(')') && bare.includes('(') ? `${bare})` : bare;
}
