package com.gptdesk.chat.service.realtime.socket;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The tokens whose end has closed a socket, the latest of them. Thread-safe.
 *
 * <p>A client whose token has ended connects again and brings another. One that brings the same
 * again has no other: its joins are refused, and it waits longer and longer between them.
 */
final class EndedTokens {
  private static final int MOST = 10_000;

  private final Map<Integer, Boolean> latest =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Boolean> eldest) {
          return size() > MOST;
        }
      };

  /** Whether this token was not seen before; its hash is kept, not the token. */
  synchronized boolean isFirst(String token) {
    return latest.put(token.hashCode(), true) == null;
  }
}
