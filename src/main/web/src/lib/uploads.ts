// Files on their way to the service, by the ids of their messages. What carries them is loaded when there is one.
import type { SupabaseClient } from '@supabase/supabase-js';
import { BUCKET } from './file-names';
import type { Problem } from './types';

export interface Upload {
  path: string;
  /** Where an earlier try began; null for none. */
  address: string | null;
  onAddress: (address: string) => void;
  onProgress: (progress: number) => void;
}

const UNREACHABLE: Problem = {
  message: '',
  hint: null,
  status: 0,
  code: '',
  reason: null,
  temporary: true,
};
/** A file that was changed or removed where it lies since it was chosen: browsers give no byte of it then. */
const CHANGED: Problem = { ...UNREACHABLE, status: 410, reason: 'file_changed', temporary: false };
const carrier = () => import('./upload');

async function isReadable(file: File): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

export class Uploads {
  private readonly files = new Map<string, File>();
  private readonly arrived = new Map<string, number>();
  private readonly running = new Map<string, AbortController>();
  private closed = false;

  constructor(private readonly supabase: SupabaseClient) {}

  /** Keeps it here, and in the browser for a page that comes after this one. */
  add(id: string, file: File): void {
    this.files.set(id, file);
    carrier().then(
      ({ keepFile }) => keepFile(id, file),
      () => {}, // not loaded: sending says so
    );
  }

  /** Whether it was added in this page. */
  has(id: string): boolean {
    return this.files.has(id);
  }

  held(id: string): File | undefined {
    return this.files.get(id);
  }

  progress(id: string): number {
    return this.arrived.get(id) ?? 0;
  }

  /** From this page, or from one before it; undefined when it is lost. */
  async find(id: string): Promise<File | Problem | undefined> {
    const chosen = this.files.get(id);
    if (chosen && (await isReadable(chosen))) {
      return chosen;
    }
    try {
      const found = await (await carrier()).keptFile(id);
      if (found && (await isReadable(found))) {
        this.files.set(id, found);
        return found;
      }
    } catch {
      return UNREACHABLE; // what carries it could not be loaded
    }
    return chosen && CHANGED;
  }

  async send(id: string, file: File, options: Upload): Promise<Problem | null> {
    const stop = new AbortController();
    this.running.set(id, stop);
    try {
      const { upload } = await carrier();
      if (this.closed) {
        stop.abort();
      }
      return await upload(file, {
        ...options,
        endpoint: this.endpoint(),
        token: () => this.token(),
        signal: stop.signal,
        onProgress: (progress) => {
          const whole = Math.floor(progress * 100) / 100; // shown in per cent
          if (whole !== this.progress(id)) {
            this.arrived.set(id, whole);
            options.onProgress(whole);
          }
        },
      });
    } catch {
      return UNREACHABLE; // as above
    } finally {
      this.running.delete(id);
    }
  }

  /** The connection is gone: what waits for an answer need not wait for the end of its patience. */
  stop(): void {
    this.running.forEach((one) => one.abort());
  }

  /** Nobody wants it any more. */
  async cancel(id: string, address: string | undefined, path: string): Promise<void> {
    this.running.get(id)?.abort();
    this.forget(id);
    try {
      if (address !== undefined) {
        await (await carrier()).takeBack(address, () => this.token());
      }
      await this.supabase.storage.from(BUCKET).remove([path]);
    } catch {
      // The service forgets after a day what was not sent.
    }
  }

  /** It is sent. */
  forget(id: string): void {
    this.files.delete(id);
    this.arrived.delete(id);
    carrier().then(
      ({ forgetFile }) => forgetFile(id),
      () => {}, // forgotten by the next page that sends one
    );
  }

  /** Removes from the browser what no message wants. */
  async clear(): Promise<void> {
    await carrier().then(
      ({ forgetStrayFiles }) => forgetStrayFiles(),
      () => {},
    );
  }

  close(): void {
    this.closed = true;
    this.stop();
  }

  /** The client's own, as it would ask a function with it. */
  private async token(): Promise<string | null> {
    await this.supabase.realtime.setAuth();
    return this.supabase.realtime.accessTokenValue;
  }

  private endpoint(): string {
    const { data } = this.supabase.storage.from(BUCKET).getPublicUrl('');
    return data.publicUrl.replace(/\/object\/public\/.*$/, '/upload/resumable');
  }
}
