import { ExternalLink, FileText, ImageOff } from 'lucide-react';
import { Suspense, useState, type CSSProperties } from 'react';
import { Boundary } from '@/components/ui/boundary';
import { part } from '@/components/ui/part';
import { useTexts } from '@/hooks/use-texts';
import { isStored, storedFile } from '@/lib/file-names';
import type { ChatMessage } from '@/lib/types';

const StoredFile = part(async () => (await import('./stored-file')).StoredFile);

const WIDEST = 336; // pixels, as the style sheet has it

/** An image or a file by its address. The room an image takes is known before it is there, so nothing jumps. */
export function AttachmentCard({
  message,
  tabIndex,
  onView,
  onCancel,
}: {
  message: ChatMessage;
  tabIndex?: number;
  /** Shows an image here. Without it, and in another tab or window, the browser does. */
  onView?: (() => void) | undefined;
  /** Ends the upload of a file that is on its way. */
  onCancel?: (() => void) | undefined;
}) {
  const { t, size } = useTexts();
  const [broken, setBroken] = useState(false);
  const address = message.file_url;
  if (isStored(address)) {
    const room = (
      <div
        className={message.message_type === 'image' ? 'image-card' : 'file-card file-room'}
        style={roomOf(message)}
      />
    );
    return (
      <Boundary>
        <Suspense fallback={room}>
          <StoredFile message={message} tabIndex={tabIndex} onView={onView} onCancel={onCancel} />
        </Suspense>
      </Boundary>
    );
  }
  if (!address || !/^https?:\/\//i.test(address)) {
    return null;
  }
  const name = message.file_name ?? nameIn(address);
  if (message.message_type === 'image' && !broken) {
    return (
      <a
        className="image-card"
        tabIndex={tabIndex}
        href={address}
        target="_blank"
        rel="noopener noreferrer nofollow"
        aria-label={t.image(name)}
        {...(onView && { 'aria-haspopup': 'dialog' })}
        onClick={(event) => {
          const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
          if (onView && !elsewhere) {
            event.preventDefault();
            onView();
          }
        }}
      >
        <img
          src={address}
          alt={name}
          loading="lazy"
          decoding="async"
          referrerPolicy="no-referrer"
          onError={() => setBroken(true)}
        />
      </a>
    );
  }
  return (
    <a
      className="file-card"
      tabIndex={tabIndex}
      href={address}
      target="_blank"
      rel="noopener noreferrer nofollow"
    >
      <span className="file-card-icon">
        {broken ? <ImageOff size={20} /> : <FileText size={20} />}
      </span>
      <span className="file-card-text">
        <span className="file-card-name">{name}</span>
        <span className="file-card-about">
          {broken
            ? t.imageBroken
            : [message.file_size !== null && size(message.file_size), new URL(address).host]
                .filter(Boolean)
                .join(' · ')}
        </span>
      </span>
      <ExternalLink size={16} aria-hidden="true" />
    </a>
  );
}

/** The room of a picture whose size is known, so that the list never jumps. */
export function roomOf(
  message: ChatMessage,
  measured?: { width: number; height: number },
): CSSProperties | undefined {
  const { width, height } = { ...measured, ...storedFile(message) };
  if (!width || !height || message.message_type === 'text') {
    return undefined;
  }
  return {
    aspectRatio: shapeOf(width, height),
    width: Math.min(WIDEST, Math.max(WIDEST / 3, width)),
  };
}

/** Its width by its height, as far as the list takes it. */
export const shapeOf = (width: number, height: number) =>
  Math.min(3, Math.max(0.75, width / height));

export function nameIn(address: string): string {
  try {
    const { pathname, host } = new URL(address);
    return decodeURIComponent(pathname.split('/').findLast((part) => part !== '') ?? host);
  } catch {
    return address;
  }
}
