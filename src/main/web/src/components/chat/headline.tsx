/** What a search shows of a message: hits stand between U+E000 and U+E001; the rest is text. */
export function Headline({ text }: { text: string }) {
  return text.split('\uE000').map((part, i) => {
    const [hit, rest] = i === 0 ? ['', part] : part.split('\uE001', 2);
    return (
      <span key={i}>
        {hit && <mark>{hit}</mark>}
        {rest}
      </span>
    );
  });
}
