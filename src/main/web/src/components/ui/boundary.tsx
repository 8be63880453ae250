import { Component, type ReactNode } from 'react';
import { Button } from './button';
import { useTexts } from '@/hooks/use-texts';

interface BoundaryProps {
  /** Shown in place of them; without it a notice is. */
  fallback?: () => ReactNode;
  children: ReactNode;
}

/** Around parts that may fail, as when the browser cannot load them: the rest of the page stays. */
export class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    const { fallback, children } = this.props;
    return this.state.failed ? fallback ? fallback() : <NotLoaded /> : children;
  }
}

function NotLoaded() {
  const { t } = useTexts();
  return (
    <div className="notice notice-not-loaded" role="alert">
      <span>{t.notLoaded}</span>
      <Button variant="link" onClick={() => location.reload()}>
        {t.loadAgain}
      </Button>
    </div>
  );
}
