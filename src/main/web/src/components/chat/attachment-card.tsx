import { ExternalLink, FileText, ImageOff } from 'lucide-react';
import { useState } from 'react';
import type { ChatMessage } from '@/lib/types';

/** An image or a file by its address. The room an image takes is known before it is there, so nothing jumps. */
export function AttachmentCard({ message, tabIndex }: { message: ChatMessage; tabIndex?: number }) {
  const [broken, setBroken] = useState(false);
  const address = message.file_url;
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
        aria-label={`Image ${name}`}
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
            ? 'This image cannot be shown'
            : [message.file_size !== null && size(message.file_size), new URL(address).host]
                .filter(Boolean)
                .join(' · ')}
        </span>
      </span>
      <ExternalLink size={16} aria-hidden="true" />
    </a>
  );
}

export function nameIn(address: string): string {
  try {
    const { pathname, host } = new URL(address);
    return decodeURIComponent(pathname.split('/').findLast((part) => part !== '') ?? host);
  } catch {
    return address;
  }
}

function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
