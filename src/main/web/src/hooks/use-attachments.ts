import { useMemo, useState } from 'react';
import { useSettings } from './use-chat';

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

/** Null where the service stores no files. */
export function useAttachments(): Attachments | null {
  const { files: stored, maxFileBytes, fileTypes } = useSettings();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [tooLarge, setTooLarge] = useState<readonly File[]>([]);
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

/** Files that were dropped; a folder is none. */
export function filesIn({ items }: DataTransfer): File[] {
  return [...items]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}
