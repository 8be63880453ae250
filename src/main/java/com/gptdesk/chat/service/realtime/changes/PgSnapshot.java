package com.gptdesk.chat.service.realtime.changes;

import java.util.HashSet;
import java.util.Set;

/**
 * A {@code pg_snapshot}: the transactions that a statement saw. It shows whether a state that was
 * read already contains a change.
 *
 * @param xmin all transactions before this one had ended
 * @param xmax no transaction from this one on had ended
 * @param running those in between that had not ended
 */
public record PgSnapshot(long xmin, long xmax, Set<Long> running) {
  /** Sees nothing: every change is new. */
  public static final PgSnapshot NONE = new PgSnapshot(0, 0, Set.of());

  /** Reads {@code xmin:xmax:xip,xip,…}. */
  public static PgSnapshot of(String text) {
    String[] parts = text.split(":", -1);
    var running = new HashSet<Long>();
    for (String xid : parts[2].split(",", -1)) {
      if (!xid.isEmpty()) {
        running.add(Long.valueOf(xid));
      }
    }
    return new PgSnapshot(Long.parseLong(parts[0]), Long.parseLong(parts[1]), Set.copyOf(running));
  }

  /** Whether this transaction's changes were visible. */
  public boolean sees(long xid) {
    return xid < xmin || (xid < xmax && !running.contains(xid));
  }
}
