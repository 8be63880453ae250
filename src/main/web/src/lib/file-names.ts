// What a stored file is called, and where it lies.
import type { MessageType, UserMessage } from './types';

export const BUCKET = 'attachments';
const STORED = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\//;
const LONGEST_NAME = 180; // characters; the service takes 255

/** Pictures that browsers show. Others, as HEIC and SVG, are files. */
const SHOWN = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;

/** Whether the address of a message's file is a path in the chat's own store. */
export function isStored(address: string | null): address is string {
  return address !== null && STORED.test(address);
}

/** The name as the store takes it: one line, without what paths and addresses give a meaning to. */
export function storableName(name: string): string {
  const line = name
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/gu, '')
    .replace(/[/\\?#%]/g, '_')
    .trim();
  const dot = line.lastIndexOf('.');
  const ending = dot > 0 && line.length - dot <= 16 ? line.slice(dot) : '';
  const stem = [...line.slice(0, line.length - ending.length)];
  const short =
    stem
      .slice(0, LONGEST_NAME - ending.length)
      .join('')
      .trimEnd() + ending;
  return /[\p{L}\p{N}]/u.test(short) ? short : `file${ending}`;
}

export function typeOf(file: Blob): MessageType {
  return SHOWN.test(file.type) ? 'image' : 'file';
}

/** What the service measured of a stored file. */
export interface StoredFile {
  content_type?: string;
  width?: number;
  height?: number;
  blurhash?: string;
}

export function storedFile({ metadata }: Pick<UserMessage, 'metadata'>): StoredFile {
  const file = metadata.file;
  return typeof file === 'object' && file !== null ? file : {};
}
