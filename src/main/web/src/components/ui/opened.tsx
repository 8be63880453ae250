import { Suspense, useState, type ReactNode } from 'react';

/** A part that is loaded when it is opened first, and stays, so that it gives the focus back when it closes. */
export function Opened({ when, children }: { when: boolean; children: ReactNode }) {
  const [wanted, setWanted] = useState(when);
  if (when && !wanted) {
    setWanted(true);
  }
  return wanted && <Suspense>{children}</Suspense>;
}
