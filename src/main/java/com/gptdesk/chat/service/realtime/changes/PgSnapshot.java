package com.gptdesk.chat.service.realtime.changes;

import java.util.HashSet;
import java.util.Set;

/**
 * A {@code pg_snapshot}: which transactions a statement saw. It tells whether a change is already
 * in a state that was read.
 *
 * @param xmin every transaction before this one had ended
 * @param xmax none from this one on had
 * @param running those in between that had not
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

  /** Whether what this transaction did was visible. */
  public boolean sees(long xid) {
    return xid < xmin || (xid < xmax && !running.contains(xid));
  }
}
