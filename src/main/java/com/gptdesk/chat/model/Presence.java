package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Whether a person is there.
 *
 * @param status as the person set it, or offline after a while without activity
 * @param lastSeen the last activity of that person; null when there never was one
 */
public record Presence(Status status, @Nullable Instant lastSeen) {

  /** A person's own status; {@link #toString} is its name in the database. */
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
