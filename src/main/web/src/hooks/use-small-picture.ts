import { useContext, useEffect, useState } from 'react';
import { Session } from './use-chat';
import type { Size } from '@/lib/file-addresses';

export interface SmallPicture {
  /** Null while it is not known, and where there is none. */
  address: string | null;
  /** There is none, or it cannot be shown: the file itself is. */
  none: boolean;
  /** What shows it could not. */
  broken: () => void;
}

/**
 * Where to read a small picture of a stored image. One request for each, so only what is wanted is asked for.
 *
 * @param path null where no small one was made
 * @param wanted whether it is about to be seen
 */
export function useSmallPicture(
  path: string | null,
  { width, height }: Size,
  wanted: boolean,
): SmallPicture {
  const session = useContext(Session);
  const files = session?.files;
  const [address, setAddress] = useState<string | null>(null);
  const [none, setNone] = useState(false);
  const asks = path !== null && wanted && address === null && !none;
  useEffect(() => {
    if (!asks) {
      return;
    }
    if (!files) {
      setNone(true);
      return;
    }
    let current = true;
    files.small(path, { width, height }).then(
      (found) => current && setAddress(found),
      () => current && setNone(true),
    );
    return () => {
      current = false;
    };
  }, [asks, files, height, path, width]);
  return { address, none: path === null || none, broken: () => setNone(true) };
}
