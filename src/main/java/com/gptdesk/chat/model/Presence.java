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

    /**
     * The status with this name in the database.
     *
     * @param word {@code online}, {@code away}, {@code busy} or {@code offline}
     * @return that status
     * @throws IllegalArgumentException this version knows no such status, and what to do
     */
    public static Status of(String word) {
      return WordColumns.meaningOf(word, values(), "status of presence");
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
