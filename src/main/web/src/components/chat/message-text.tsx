import { createElement, Fragment, type ReactNode } from 'react';
import type { Token } from 'markdown-it';
import type { Marked } from '@/lib/markdown';

/** What somebody wrote, with its marks and addresses. React escapes all text, and no HTML is ever made of it. */
export function MessageText({ text, tabIndex }: { text: Marked; tabIndex: number }) {
  const linked = (part: string) =>
    text.pieces(part).map((piece, i) =>
      typeof piece === 'string' ? (
        piece
      ) : (
        <a
          key={i}
          href={piece.address}
          tabIndex={tabIndex}
          target="_blank"
          rel="noopener noreferrer nofollow"
        >
          {piece.raw}
        </a>
      ),
    );

  const leaf = ({ type, content, children }: Token, key: number): ReactNode => {
    switch (type) {
      case 'inline':
        return <Fragment key={key}>{elements(children ?? [])}</Fragment>;
      case 'code_inline':
        return <code key={key}>{linked(content)}</code>;
      case 'fence':
        return (
          <pre key={key} dir="ltr">
            <code>{linked(content.replace(/\n$/, ''))}</code>
          </pre>
        );
      default:
        return <Fragment key={key}>{linked(content)}</Fragment>;
    }
  };

  const elements = (tokens: Token[]): ReactNode[] => {
    const open: { token: Token | null; children: ReactNode[] }[] = [{ token: null, children: [] }];
    tokens.forEach((token, i) => {
      if (token.nesting > 0) {
        open.push({ token, children: [] });
        return;
      }
      const done = token.nesting < 0 ? open.pop()! : null;
      open.at(-1)!.children.push(
        done ? (
          <Element key={i} token={done.token!}>
            {done.children}
          </Element>
        ) : (
          leaf(token, i)
        ),
      );
    });
    return open[0]!.children;
  };

  return elements(text.tokens);
}

/** A paragraph, a quote, a list or its items, with a direction of its own; or words that stand out. */
function Element({ token, children }: { token: Token; children: ReactNode }) {
  if (token.hidden) {
    return children;
  }
  const start = token.attrGet('start');
  return createElement(
    token.tag,
    { ...(token.block && { dir: 'auto' }), ...(start !== null && { start: Number(start) }) },
    children,
  );
}
