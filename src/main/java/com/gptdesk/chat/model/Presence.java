package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Whether somebody is there.
 *
 * @param status as the person said, or offline after a while without a sign
 * @param lastSeen the last sign of that person; null when there never was one
 */
public record Presence(Status status, @Nullable Instant lastSeen) {

  /** What people say of themselves; {@link #toString} is the database's word for it. */
  public enum Status {
    /** There. */
    ONLINE,
    /** Not at the screen. */
    AWAY,
    /** There, and not to be disturbed. */
    BUSY,
    /** Not there. */
    OFFLINE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
