import { Suspense, useState, type ReactNode } from 'react';
import { Boundary } from './boundary';

/** A part that is loaded when it is opened first, and stays, so that it gives the focus back when it closes. */
export function Opened({ when, children }: { when: boolean; children: ReactNode }) {
  const [wanted, setWanted] = useState(when);
  if (when && !wanted) {
    setWanted(true);
  }
  return (
    wanted && (
      <Boundary>
        <Suspense>{children}</Suspense>
      </Boundary>
    )
  );
}
