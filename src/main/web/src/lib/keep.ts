// What the browser keeps for us. It may refuse (private windows, a full disk): then nothing is kept and nothing breaks.

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(`gptdesk-chat:${key}`);
  } catch {
    return null;
  }
}

/** The names of what is kept that begin so, in order. */
export function keptNames(beginning: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(`gptdesk-chat:${beginning}`))
      .map((key) => key.slice('gptdesk-chat:'.length))
      .sort();
  } catch {
    return [];
  }
}

export function keep(key: string, value: string | null): void {
  try {
    if (value === null || value === '') {
      localStorage.removeItem(`gptdesk-chat:${key}`);
    } else {
      localStorage.setItem(`gptdesk-chat:${key}`, value);
    }
  } catch {
    // not kept
  }
}

/** Told when another tab changes what is kept under a name, or under one that begins so. Returns how to end it. */
export function onKept(
  name: string,
  listener: (now: string | null, before: string | null) => void,
): () => void {
  const changed = ({ key, newValue, oldValue, storageArea }: StorageEvent) => {
    if (storageArea === localStorage && key?.startsWith(`gptdesk-chat:${name}`)) {
      listener(newValue, oldValue);
    }
  };
  addEventListener('storage', changed);
  return () => removeEventListener('storage', changed);
}
