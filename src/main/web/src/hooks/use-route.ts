import { useCallback, useEffect, useState } from 'react';

/** The conversation in the address, and how to go to another. Back and forward work. */
export function useRoute(
  basePath: string,
): [string | null, (conversationId: string | null) => void] {
  const read = useCallback(() => {
    const rest = location.pathname.startsWith(`${basePath}/`)
      ? location.pathname.slice(basePath.length + 1)
      : '';
    return /^[0-9a-f-]{36}$/i.test(rest) ? rest : null;
  }, [basePath]);
  const [id, setId] = useState(read);
  useEffect(() => {
    const moved = () => setId(read());
    addEventListener('popstate', moved);
    return () => removeEventListener('popstate', moved);
  }, [read]);
  const go = useCallback(
    (conversationId: string | null) => {
      const path = conversationId ? `${basePath}/${conversationId}` : basePath;
      if (location.pathname !== path) {
        history.pushState(null, '', path + location.search);
      }
      setId(conversationId);
    },
    [basePath],
  );
  return [id, go];
}
