import { useContext, useEffect, useMemo, useState } from 'react';
import { Session, useSettings } from './use-chat';

const NO_FILES: readonly File[] = [];

/** Files that somebody has chosen and not sent yet. */
export interface Attachments {
  files: readonly File[];
  /** Those of the last choice that the service would not take: they are too large. */
  tooLarge: readonly File[];
  /** What the browser is to offer first in its dialog; undefined for everything. */
  accept: string | undefined;
  add: (chosen: Iterable<File>) => void;
  remove: (file: File) => void;
  /** All of them, which are then here no more. */
  take: () => readonly File[];
}

/**
 * Null where the service stores no files.
 *
 * @param conversationId for which they are kept while the page shows another conversation; without it they go with their part
 */
export function useAttachments(conversationId?: string): Attachments | null {
  const { files: stored, maxFileBytes, fileTypes } = useSettings();
  const session = useContext(Session);
  const [files, setFiles] = useState(
    () => session?.chosenFiles.get(conversationId ?? '') ?? NO_FILES,
  );
  const [tooLarge, setTooLarge] = useState<readonly File[]>([]);
  useEffect(() => {
    if (conversationId !== undefined) {
      session?.chosenFiles.set(conversationId, files);
    }
  }, [conversationId, files, session]);
  return useMemo(
    () =>
      stored
        ? {
            files,
            tooLarge,
            accept: fileTypes?.join(','),
            add: (chosen) => {
              const all = [...chosen];
              setFiles((now) => [...now, ...all.filter(({ size }) => size <= maxFileBytes)]);
              setTooLarge(all.filter(({ size }) => size > maxFileBytes));
            },
            remove: (file) => {
              setFiles((now) => now.filter((one) => one !== file));
              setTooLarge([]);
            },
            take: () => {
              setFiles([]);
              setTooLarge([]);
              return files;
            },
          }
        : null,
    [stored, files, tooLarge, fileTypes, maxFileBytes],
  );
}

/** Whether what is dragged are files. */
export function hasFiles({ types }: DataTransfer): boolean {
  return types.includes('Files');
}

/** Files that nobody takes: without this the browser leaves the page and opens them. */
export function refuseFiles(event: DragEvent): void {
  const takesThem = event.target instanceof HTMLInputElement && event.target.type === 'file';
  if (event.dataTransfer && hasFiles(event.dataTransfer) && !event.defaultPrevented && !takesThem) {
    event.preventDefault();
    event.dataTransfer.dropEffect = 'none';
  }
}

/** Files that were dropped; a folder is none. */
export function filesIn({ items }: DataTransfer): File[] {
  return [...items]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}
