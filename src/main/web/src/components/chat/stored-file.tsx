import { Download, FileText, X } from 'lucide-react';
import { useCallback, useState, type MouseEvent, type ReactNode } from 'react';
import { observe } from 'react-intersection-observer';
import { roomOf, shapeOf } from './attachment-card';
import { BlurredPicture } from './blurred-picture';
import { IconButton } from '@/components/ui/icon-button';
import { useFileAddress, type FileAddress } from '@/hooks/use-file-address';
import { useObjectUrl } from '@/hooks/use-object-url';
import { useSmallPicture } from '@/hooks/use-small-picture';
import { useTexts } from '@/hooks/use-texts';
import { toSave, type Size } from '@/lib/file-addresses';
import { storedFile } from '@/lib/file-names';
import type { ChatMessage } from '@/lib/types';

export interface StoredFileProps {
  message: ChatMessage;
  tabIndex?: number | undefined;
  onView?: (() => void) | undefined;
  onCancel?: (() => void) | undefined;
}

/** A file that the service stores, or that is on its way there: a picture, a player, or a card to save it. */
export function StoredFile({ message, tabIndex, onView, onCancel }: StoredFileProps) {
  const { t } = useTexts();
  const waits = message.delivery !== undefined;
  const file = useFileAddress(waits ? null : message.file_url);
  const local = useObjectUrl(message.file);
  const address = local ?? file.address;
  const name = message.file_name ?? '';
  const type = storedFile(message).content_type ?? message.file?.type ?? '';
  const [unshown, setUnshown] = useState(false);
  const given = { message, name, file, tabIndex };
  const broken = () => setUnshown(local !== null || !file.renew());
  const progress = message.progress !== undefined && (
    <UploadProgress name={name} part={message.progress} tabIndex={tabIndex} onCancel={onCancel} />
  );

  if (!file.gone && !unshown) {
    if (message.message_type === 'image') {
      return (
        <>
          <Picture {...given} local={local} onView={waits ? undefined : onView} onBroken={broken} />
          {progress}
        </>
      );
    }
    const Player = type.startsWith('audio/') ? 'audio' : type.startsWith('video/') ? 'video' : null;
    if (Player !== null) {
      return (
        <FileCard
          {...given}
          player={
            <Player
              className={`file-${Player}`}
              controls
              preload="metadata"
              tabIndex={tabIndex}
              aria-label={(Player === 'audio' ? t.sound : t.film)(name)}
              {...(address !== null && { src: address })}
              style={Player === 'video' ? roomOf(message) : undefined}
              onError={broken}
            />
          }
        >
          {progress}
        </FileCard>
      );
    }
  }
  return <FileCard {...given}>{progress}</FileCard>;
}

interface PartProps {
  message: ChatMessage;
  name: string;
  file: FileAddress;
  tabIndex: number | undefined;
}

/** The placeholder until the small picture is there, which was made at the upload; else the file itself. */
function Picture({
  message,
  name,
  file,
  tabIndex,
  local,
  onView,
  onBroken,
}: PartProps & { local: string | null; onView: (() => void) | undefined; onBroken: () => void }) {
  const { t } = useTexts();
  const [measured, setMeasured] = useState<{ width: number; height: number }>();
  const [place, near] = useNear();
  const { blurhash, width, height } = storedFile(message);
  const size = local === null ? smallOf(message) : null;
  const small = useSmallPicture(size && message.file_url, size ?? { width: 1, height: 1 }, near);
  const address = local ?? (small.none ? file.address : small.address);
  const image = (
    <span ref={place} className="image-place">
      {blurhash && width && height && !measured && (
        <BlurredPicture hash={blurhash} shape={width / height} />
      )}
      {address !== null && (
        <img
          src={address}
          alt={name}
          decoding="async"
          data-shown={measured !== undefined}
          onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
            setMeasured({ width, height })
          }
          onError={address === small.address ? small.broken : onBroken}
        />
      )}
    </span>
  );
  const look = { className: 'image-card', style: roomOf(message, measured) };
  if (!onView) {
    return <div {...look}>{image}</div>;
  }
  return (
    <a
      {...look}
      tabIndex={tabIndex}
      {...(file.address !== null && { href: file.address })}
      target="_blank"
      rel="noopener noreferrer"
      aria-label={t.image(name)}
      aria-haspopup="dialog"
      onClick={(event) => {
        if (!elsewhere(event)) {
          event.preventDefault();
          onView();
        }
      }}
    >
      {image}
    </a>
  );
}

const MADE = 320; // pixels of the smallest picture that the service makes by default, which fills the room well enough

/** The pixels that a message's picture fills here; null where the service has made no small one of it. */
function smallOf(message: ChatMessage): Size | null {
  const { blurhash, width, height } = storedFile(message);
  if (!blurhash || !width || !height || Math.max(width, height) <= MADE) {
    return null;
  }
  const pixels = MADE * Math.min(3, Math.ceil(devicePixelRatio));
  return { width: pixels, height: Math.round(pixels / shapeOf(width, height)) };
}

/** Whether it was within a screen's height of its list's window, and the reference of what is watched for that. */
function useNear() {
  const [near, setNear] = useState(false);
  const place = useCallback((element: HTMLElement) => {
    const root = element.closest('.messages');
    return observe(element, (seen) => seen && setNear(true), { root, rootMargin: '100% 0%' });
  }, []);
  return [place, near] as const;
}

function FileCard({
  message,
  name,
  file,
  tabIndex,
  player,
  children,
}: PartProps & { player?: ReactNode; children?: ReactNode }) {
  const { t, size } = useTexts();
  const saved = file.address !== null && !file.gone ? toSave(file.address, name) : null;
  const save = async (event: MouseEvent) => {
    if (elsewhere(event)) {
      return;
    }
    event.preventDefault();
    const fresh = await file.fresh(); // the one in the link may have ended
    if (fresh !== null) {
      location.assign(toSave(fresh, name)); // a download, which leaves the page where it is
    }
  };
  const body = (
    <>
      <span className="file-card-icon">
        <FileText size={20} />
      </span>
      <span className="file-card-text">
        <span className="file-card-name" dir="auto">
          {name}
        </span>
        <span className="file-card-about">
          {file.gone ? t.fileGone : message.file_size !== null && size(message.file_size)}
        </span>
      </span>
      {saved !== null && <Download size={16} aria-hidden="true" />}
    </>
  );
  return (
    <div className="stored-file">
      {player}
      {saved === null ? (
        <div className="file-card">{body}</div>
      ) : (
        <a
          className="file-card"
          tabIndex={tabIndex}
          href={saved}
          download={name}
          rel="noopener noreferrer"
          aria-label={`${t.download(name)}, ${size(message.file_size ?? 0)}`}
          onClick={(event) => void save(event)}
        >
          {body}
        </a>
      )}
      {children}
    </div>
  );
}

function UploadProgress({
  name,
  part,
  tabIndex,
  onCancel,
}: {
  name: string;
  part: number;
  tabIndex: number | undefined;
  onCancel: (() => void) | undefined;
}) {
  const { t, percent } = useTexts();
  return (
    <div className="upload">
      <progress value={part} max={1} aria-label={t.uploading(name)} />
      <span className="upload-part" aria-hidden="true">
        {percent(part)}
      </span>
      {/* In steps: who listens need not hear of each of a hundred. */}
      <span className="unseen" role="status">
        {t.uploaded(percent(Math.floor(part * 4) / 4))}
      </span>
      {onCancel && (
        <IconButton label={t.cancelUpload(name)} tabIndex={tabIndex} onClick={onCancel}>
          <X size={16} />
        </IconButton>
      )}
    </div>
  );
}

function elsewhere({ ctrlKey, metaKey, shiftKey, altKey }: MouseEvent): boolean {
  return ctrlKey || metaKey || shiftKey || altKey;
}
