// The bytes of a file that is being sent: on their way by TUS, and kept in the browser meanwhile, so that they go on after a
// reload. Loaded when somebody sends the first file.
import { createStore, del, get, keys, set } from 'idb-keyval';
import { DetailedError, Upload, type HttpRequest } from 'tus-js-client';
import { keptNames } from './keep';
import type { Problem } from './types';

const CHUNK = 6 * 1024 * 1024; // bytes of one request, as Supabase Storage takes them
const STALLED = 60_000; // milliseconds without a byte or an answer: the connection is dead without knowing it

export interface UploadOptions {
  /** Of resumable uploads. */
  endpoint: string;
  path: string;
  /** Where an earlier try began; null for none. */
  address: string | null;
  token: () => Promise<string | null>;
  onAddress: (address: string) => void;
  /** From 0 to 1. */
  onProgress: (progress: number) => void;
  /** Ends this try; what arrived stays for the next one. */
  signal: AbortSignal;
}

/** Returns null when the file is stored, whoever stored it. */
export function upload(file: Blob, options: UploadOptions): Promise<Problem | null> {
  return new Promise((resolve) => {
    let stalled: ReturnType<typeof setTimeout> | undefined;
    const end = (problem: Problem | null) => {
      clearTimeout(stalled);
      options.signal.removeEventListener('abort', stop);
      resolve(problem);
    };
    const stop = () => {
      void sending.abort().catch(() => {});
      end(problemOf(0, null));
    };
    const alive = () => {
      clearTimeout(stalled);
      stalled = setTimeout(stop, STALLED);
    };
    const sending = new Upload(file, {
      endpoint: options.endpoint,
      uploadUrl: options.address,
      chunkSize: CHUNK,
      retryDelays: null, // who sends messages tries again
      storeFingerprintForResuming: false,
      metadata: { bucketName: 'attachments', objectName: options.path, contentType: file.type },
      onBeforeRequest: authorized(options.token),
      onAfterResponse: alive,
      onUploadUrlAvailable: () => sending.url && options.onAddress(sending.url),
      onProgress: (sent, all) => {
        alive();
        options.onProgress(all ? sent / all : 1);
      },
      onSuccess: () => end(null),
      onError: (error) => end(whyNot(error)),
    });
    if (options.signal.aborted) {
      end(problemOf(0, null));
      return;
    }
    options.signal.addEventListener('abort', stop);
    alive();
    sending.start();
  });
}

/** Takes back what has arrived of an upload; the service forgets it by itself after a day. */
export async function takeBack(address: string, token: UploadOptions['token']): Promise<void> {
  await Upload.terminate(address, {
    retryDelays: [300, 1_500, 5_000], // the last part may still be written
    onBeforeRequest: authorized(token),
  }).catch(() => {});
}

function authorized(token: UploadOptions['token']) {
  return async (request: HttpRequest) => {
    request.setHeader('Authorization', `Bearer ${(await token()) ?? ''}`);
  };
}

function whyNot(error: Error): Problem | null {
  if (!(error instanceof DetailedError) || !error.originalResponse) {
    return { ...problemOf(0, null), message: error.message };
  }
  const status = error.originalResponse.getStatus();
  const reason = error.originalResponse.getHeader('x-chat-reason') ?? null;
  if (reason === 'file_exists' || reason === 'file_sent') {
    return null; // its name has the message's id: an earlier try has stored it, whose answer was lost
  }
  const begins = error.originalRequest.getMethod() === 'POST';
  return problemOf(status, reason, !begins && (status === 404 || status === 410)); // begun anew
}

const TEMPORARY = [0, 401, 408, 409, 423, 425, 429, 500, 502, 503, 504];
const REASONS: Record<number, string> = { 413: 'file_too_large', 415: 'file_type' };

function problemOf(status: number, given: string | null, gone = false): Problem {
  // Without a code, 403 is about the token, as Supabase Storage answers it.
  const told = status === 403 && given === null ? 401 : status;
  const reason = given ?? REASONS[told] ?? null;
  return {
    message: '',
    hint: null,
    status: told,
    code: '',
    reason,
    temporary: gone || (reason === null && TEMPORARY.includes(told)),
  };
}

// ---- kept in this browser until the message is sent; a browser may refuse, and then the file is lost with the page

const kept = createStore('gptdesk-chat-files', 'files');

export async function keepFile(messageId: string, file: File): Promise<void> {
  await set(messageId, file, kept).catch(() => {});
}

export async function keptFile(messageId: string): Promise<File | undefined> {
  return get<File>(messageId, kept).catch(() => undefined);
}

export async function forgetFile(messageId: string): Promise<void> {
  await del(messageId, kept).catch(() => {});
}

/** Forgets files of messages that are in no outbox any more. */
export async function forgetStrayFiles(): Promise<void> {
  const waiting = keptNames('outbox:');
  const files = await keys<string>(kept).catch(() => []);
  await Promise.all(
    files.filter((id) => !waiting.some((name) => name.endsWith(id))).map((id) => forgetFile(id)),
  );
}
