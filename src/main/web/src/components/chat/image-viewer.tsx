import * as Radix from '@radix-ui/react-dialog';
import { ChevronLeft, ChevronRight, ExternalLink, X, ZoomIn, ZoomOut } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { nameIn } from './attachment-card';
import { useFocusBefore } from '@/components/ui/dialog';
import { IconButton } from '@/components/ui/icon-button';
import { useFileAddress } from '@/hooks/use-file-address';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';
import type { ChatMessage } from '@/lib/types';

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

/** An image as large as the window, among the others of the conversation. */
export function ImageViewer({
  message,
  images,
  onView,
  onClose,
}: {
  /** Null while nothing is looked at. */
  message: ChatMessage | null;
  images: ChatMessage[];
  onView: (message: ChatMessage) => void;
  onClose: () => void;
}) {
  const { t, direction } = useTexts();
  const attributes = useLanguageAttributes();
  const [remember, giveBack] = useFocusBefore();
  const pane = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(0); // its place in ZOOMS
  useEffect(() => setZoom(0), [message?.id]);

  if (!message?.file_url) {
    return null;
  }
  const at = images.findIndex(({ id }) => id === message.id);
  const show = (place: number) => images[place] && onView(images[place]);
  const zoomTo = (place: number) => setZoom(Math.min(ZOOMS.length - 1, Math.max(0, place)));
  const pressed = (event: KeyboardEvent) => {
    const forward = direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    const backward = direction === 'rtl' ? 'ArrowRight' : 'ArrowLeft';
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return; // the browser's own zoom
    }
    switch (event.key) {
      case forward:
      case backward:
        if (zoom === 0) {
          event.preventDefault(); // a large one is moved by arrows
          show(at + (event.key === forward ? 1 : -1));
        }
        break;
      case '+':
      case '=':
        zoomTo(zoom + 1);
        break;
      case '-':
        zoomTo(zoom - 1);
        break;
      case '0':
        zoomTo(0);
        break;
    }
  };
  const name = message.file_name ?? nameIn(message.file_url);
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <div className="gptdesk-chat" {...attributes}>
          <Radix.Content
            className="viewer"
            aria-describedby={undefined}
            onKeyDown={pressed}
            onOpenAutoFocus={(event) => {
              remember();
              event.preventDefault();
              pane.current?.focus();
            }}
            onCloseAutoFocus={giveBack}
          >
            <header className="viewer-header">
              <Radix.Title className="viewer-title" dir="auto">
                {name}
              </Radix.Title>
              {images.length > 1 && (
                <span className="viewer-place" role="status">
                  {t.imageOf(at + 1, images.length)}
                </span>
              )}
              <IconButton
                label={t.zoomOut}
                aria-disabled={zoom === 0}
                onClick={() => zoomTo(zoom - 1)}
              >
                <ZoomOut size={19} />
              </IconButton>
              <IconButton
                label={t.zoomIn}
                aria-disabled={zoom === ZOOMS.length - 1}
                onClick={() => zoomTo(zoom + 1)}
              >
                <ZoomIn size={19} />
              </IconButton>
              <Original key={message.id} message={message} />
              <Radix.Close asChild>
                <IconButton label={t.close}>
                  <X size={20} />
                </IconButton>
              </Radix.Close>
            </header>
            <div
              ref={pane}
              className="viewer-pane"
              tabIndex={0}
              role="region"
              aria-label={t.image(name)}
            >
              <Large
                key={message.id}
                message={message}
                name={name}
                zoom={ZOOMS[zoom]!}
                onDoubleClick={() => zoomTo(zoom === 0 ? ZOOMS.indexOf(2) : 0)}
              />
            </div>
            {images.length > 1 && (
              <>
                <IconButton
                  label={t.previousImage}
                  className="viewer-previous"
                  aria-disabled={at <= 0}
                  onClick={() => show(at - 1)}
                >
                  <ChevronLeft className="flips" size={24} />
                </IconButton>
                <IconButton
                  label={t.nextImage}
                  className="viewer-next"
                  aria-disabled={at === images.length - 1}
                  onClick={() => show(at + 1)}
                >
                  <ChevronRight className="flips" size={24} />
                </IconButton>
              </>
            )}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Original({ message }: { message: ChatMessage }) {
  const { t } = useTexts();
  const { address } = useFileAddress(message.file_url);
  return (
    <a
      className="icon-button"
      {...(address !== null && { href: address })}
      target="_blank"
      rel="noopener noreferrer nofollow"
      aria-label={t.openOriginal}
      title={t.openOriginal}
    >
      <ExternalLink size={18} />
    </a>
  );
}

function Large({
  message,
  name,
  zoom,
  onDoubleClick,
}: {
  message: ChatMessage;
  name: string;
  zoom: number;
  onDoubleClick: () => void;
}) {
  const { t } = useTexts();
  const { address, gone, renew } = useFileAddress(message.file_url);
  const [broken, setBroken] = useState(false);
  if (gone || broken) {
    return <p role="status">{t.imageBroken}</p>;
  }
  return (
    address !== null && (
      <img
        src={address}
        alt={message.content === message.file_name ? name : message.content || name}
        referrerPolicy="no-referrer"
        style={{ width: `${zoom * 100}%`, height: `${zoom * 100}%` }}
        onDoubleClick={onDoubleClick}
        onError={() => setBroken(!renew())}
      />
    )
  );
}
