// Signed addresses of stored files: those of all messages on the screen in one call, small pictures one by one, and none twice
// while it holds.
import type { SupabaseClient } from '@supabase/supabase-js';
import { BUCKET } from './file-names';

const LIFE = 3600; // seconds that an address holds
const EARLY = 300; // seconds before its end when another one is asked for
const MOST = 100; // of one call

/** Where a file is read; null when it is not there any more. */
type Address = string | null;

/** Pixels that a small picture is to fill. */
export interface Size {
  width: number;
  height: number;
}

export class FileAddresses {
  private readonly known = new Map<string, { address: string; until: number }>();
  private readonly asked = new Map<string, Promise<Address>>();
  private batch: { paths: string[]; answer: Promise<Map<string, Address>> } | null = null;

  constructor(private readonly supabase: SupabaseClient) {}

  /** An address that holds for some minutes yet; null when none is known. */
  held(path: string): Address {
    const known = this.known.get(path);
    return known && known.until > Date.now() ? known.address : null;
  }

  /** @throws Error when the service does not answer */
  async of(path: string): Promise<Address> {
    const held = this.held(path);
    if (held !== null) {
      return held;
    }
    let asked = this.asked.get(path);
    if (!asked) {
      asked = this.ask(path).finally(() => this.asked.delete(path));
      this.asked.set(path, asked);
    }
    return asked;
  }

  /** Another one in place of an address that did not work. */
  again(path: string): Promise<Address> {
    this.known.delete(path);
    return this.of(path);
  }

  /** Where the small picture is read that fills so many pixels. @throws Error when the service does not answer */
  async small(path: string, size: Size): Promise<Address> {
    const name = `${path} ${size.width} ${size.height}`;
    const held = this.held(name);
    if (held !== null) {
      return held;
    }
    const until = endOfLife();
    const { data, error } = await this.supabase.storage
      .from(BUCKET)
      .createSignedUrl(path, LIFE, { transform: size });
    if (error) {
      throw error;
    }
    this.known.set(name, { address: data.signedUrl, until });
    return data.signedUrl;
  }

  private async ask(path: string): Promise<Address> {
    if (!this.batch || this.batch.paths.length >= MOST) {
      const paths: string[] = [];
      this.batch = { paths, answer: this.sign(paths) };
    }
    this.batch.paths.push(path);
    return (await this.batch.answer).get(path) ?? null;
  }

  private async sign(paths: string[]): Promise<Map<string, Address>> {
    await new Promise((resolve) => setTimeout(resolve)); // all that are shown at once ask first
    this.batch = this.batch?.paths === paths ? null : this.batch;
    const until = endOfLife();
    const { data, error } = await this.supabase.storage.from(BUCKET).createSignedUrls(paths, LIFE);
    if (error) {
      throw error;
    }
    const found = new Map<string, Address>();
    for (const { path, signedUrl, error: gone } of data) {
      if (path !== null) {
        found.set(path, gone === null ? signedUrl : null);
        if (gone === null && signedUrl !== null) {
          this.known.set(path, { address: signedUrl, until });
        }
      }
    }
    return found;
  }
}

/** When another address is asked for in place of one that is signed now. */
function endOfLife(): number {
  return Date.now() + (LIFE - EARLY) * 1000;
}

/** The same address, for saving the file under its name. */
export function toSave(address: string, name: string): string {
  const url = new URL(address);
  url.searchParams.set('download', name);
  return url.href;
}
