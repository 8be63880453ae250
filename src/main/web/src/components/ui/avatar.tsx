import * as Radix from '@radix-ui/react-avatar';
import { useComponents } from '@/hooks/use-components';
import type { PresenceStatus } from '@/lib/types';

const COLOURS = 8;

export function Avatar({
  id,
  name,
  url,
  status,
  size = 'medium',
}: {
  id: string;
  name: string;
  url?: string | null;
  status?: PresenceStatus;
  size?: 'small' | 'medium' | 'large';
}) {
  const given = useComponents();
  const Face = given.Avatar ?? Radix.Root;
  const Image = given.AvatarImage ?? Radix.Image;
  const Initials = given.AvatarFallback ?? Radix.Fallback;
  return (
    <span className={`avatar avatar-${size}`} aria-hidden="true">
      <Face className="avatar-face">
        {url && <Image className="avatar-image" src={url} alt="" referrerPolicy="no-referrer" />}
        <Initials
          className={`avatar-initials avatar-colour-${colour(id)}`}
          {...(!given.AvatarFallback && { delayMs: url ? 300 : 0 })}
        >
          {initials(name)}
        </Initials>
      </Face>
      {status && <span className={`presence-dot presence-${status}`} />}
    </span>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return (
    [words[0], words.length > 1 ? words.at(-1) : '']
      .map((word) => [...(word ?? '')][0] ?? '')
      .join('')
      .toUpperCase() || '?'
  );
}

/** The same person has the same colour everywhere. */
function colour(id: string): number {
  return (
    [...id].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) >>> 0, 7) % COLOURS
  );
}
