/** A value that React can follow (useSyncExternalStore), changed by whoever owns it. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(change: Partial<T> | ((value: T) => Partial<T>)): void {
    this.value = { ...this.value, ...(typeof change === 'function' ? change(this.value) : change) };
    this.listeners.forEach((listener) => listener());
  }
}
