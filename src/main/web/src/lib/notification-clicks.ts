// Notifications that somebody has clicked: the service worker says which conversation to open. Heard as soon as this file
// has been loaded, and kept until there is a page to open it in.

const OPEN = 'gptdesk-chat:open';
const FRESH = 30_000; // milliseconds: a page that is there later is another visit

type Open = (conversationId: string) => void;

let waiting: { conversation: string; since: number } | null = null;
const pages: Open[] = [];

globalThis.navigator?.serviceWorker?.addEventListener('message', ({ data }: MessageEvent) => {
  const said = data as { type?: string; conversation?: string } | null;
  if (said?.type === OPEN && said.conversation) {
    waiting = { conversation: said.conversation, since: Date.now() };
    hand();
  }
});

/** Of several pages the newest opens it. Returns how to end it. */
export function onNotificationClick(open: Open): () => void {
  pages.push(open);
  hand();
  return () => void pages.splice(pages.indexOf(open), 1);
}

function hand(): void {
  const open = pages.at(-1);
  if (waiting && open) {
    const { conversation, since } = waiting;
    waiting = null;
    if (Date.now() - since < FRESH) {
      open(conversation);
    }
  }
}
