import { use, type ComponentType } from 'react';

const PAUSE = 500; // milliseconds before the browser is asked for it once more

/** A part that the browser could not load. */
export class PartNotLoaded extends Error {
  /** @param again lets the part be asked for anew when it is shown next */
  constructor(
    cause: unknown,
    readonly again: () => void,
  ) {
    super(String(cause), { cause });
  }
}

/** A part that is loaded when it is shown first. Where that fails twice, the Boundary around it offers to try again. */
export function part<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let asked: Promise<ComponentType<P>> | undefined;
  const ask = async () => {
    try {
      return await load().catch(async () => {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        return load();
      });
    } catch (error) {
      throw new PartNotLoaded(error, () => (asked = undefined));
    }
  };
  return function Part(given: P) {
    const Loaded = use((asked ??= ask()));
    return <Loaded {...given} />;
  };
}
