import { useTexts } from '@/hooks/use-texts';

/** In place of a list of conversations that is on its way. */
export function Skeletons() {
  const { t } = useTexts();
  return (
    <div className="skeletons" role="status" aria-label={t.loading}>
      {[72, 54, 63, 48, 58].map((width, i) => (
        <div key={i} className="skeleton">
          <span className="skeleton-face" />
          <span className={`skeleton-lines skeleton-${width}`}>
            <i />
            <i />
          </span>
        </div>
      ))}
    </div>
  );
}
