import { useCallback, useContext, useEffect, useRef, useState } from 'react';
import { Session } from './use-chat';
import type { FileAddresses } from '@/lib/file-addresses';
import { isStored } from '@/lib/file-names';

export interface FileAddress {
  /** Null while it is not known. */
  address: string | null;
  /** The file is not there any more. */
  gone: boolean;
  /** One that works now, for a file that is saved; null when there is none. */
  fresh: () => Promise<string | null>;
  /** What shows the file could not: asks for another address, once. False when that was done before. */
  renew: () => boolean;
}

/** Where to read a message's file: the address itself, or a signed one of a stored file. */
export function useFileAddress(file: string | null): FileAddress {
  const session = useContext(Session);
  const files: FileAddresses | null = session?.files ?? null;
  const path = isStored(file) ? file : null;
  const [found, setFound] = useState(() => ({
    address: path === null ? file : (files?.held(path) ?? null),
    gone: false,
  }));
  const triedAgain = useRef(false);

  const look = useCallback(
    async (again: boolean) => {
      if (path === null || !files) {
        return;
      }
      try {
        const address = await (again ? files.again(path) : files.of(path));
        setFound({ address, gone: address === null });
      } catch {
        // No answer: asked again when the service is back.
      }
    },
    [files, path],
  );
  const known = found.address !== null || found.gone;
  useEffect(() => {
    if (path === null) {
      setFound({ address: file, gone: false });
    } else if (!known) {
      void look(false);
      return session?.onRejoin(() => void look(false));
    }
    return undefined;
  }, [file, known, look, path, session]);

  const fresh = useCallback(
    async () => (path === null || !files ? file : files.of(path).catch(() => null)),
    [file, files, path],
  );
  const renew = useCallback(() => {
    if (path === null || triedAgain.current) {
      return false;
    }
    triedAgain.current = true;
    void look(true);
    return true;
  }, [look, path]);
  return { address: found.address, gone: found.gone, fresh, renew };
}
