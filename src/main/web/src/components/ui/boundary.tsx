import { Component, type ReactNode } from 'react';
import { Button } from './button';
import { PartNotLoaded } from './part';
import { useTexts } from '@/hooks/use-texts';

interface BoundaryProps {
  /** Shown in place of them; without it the notice alone is. */
  fallback?: (notice: ReactNode) => ReactNode;
  children: ReactNode;
}

interface BoundaryState {
  failed: boolean;
  error?: unknown;
  /** How often the person has asked for it anew. */
  tries: number;
}

/** Around parts that may fail, as when the browser cannot load them: the rest of the page stays. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { failed: false, tries: 0 };

  static getDerivedStateFromError(error: unknown) {
    return { failed: true, error };
  }

  private readonly again = () => {
    (this.state.error as PartNotLoaded).again();
    this.setState(({ tries }) => ({ failed: false, tries: tries + 1 }));
  };

  override render() {
    const { fallback, children } = this.props;
    const { failed, error, tries } = this.state;
    if (!failed) {
      return children;
    }
    const again = error instanceof PartNotLoaded ? this.again : null;
    const notice = <NotLoaded again={again} reload={again === null || tries > 0} />;
    return fallback ? fallback(notice) : notice;
  }
}

/** Firefox never asks again for a script that it could not load, so a second time the whole page is offered. */
function NotLoaded({ again, reload }: { again: (() => void) | null; reload: boolean }) {
  const { t } = useTexts();
  return (
    <div className="notice notice-not-loaded" role="alert">
      <span>{t.notLoaded}</span>
      {again && (
        <Button variant="link" onClick={again}>
          {t.tryAgain}
        </Button>
      )}
      {reload && (
        <Button variant="link" onClick={() => location.reload()}>
          {t.loadAgain}
        </Button>
      )}
    </div>
  );
}
