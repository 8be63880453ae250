package com.gptdesk.chat.relay;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One committed change of one row.
 *
 * @param seq the change's number in the log; it restarts with the log, so it is not a position to
 *     resume from
 * @param table the table's name, in schema public
 * @param operation what happened to the row
 * @param at when the change was made, by the database's clock
 * @param audiences who may see it
 * @param hiddenFrom ids of people who may not see it although they are members of a team that may
 * @param record the row as it is now, as JSON object text; null for a delete
 * @param oldRecord for an update or a delete the old row, as JSON object text; of an updated row
 *     clients get only its key
 */
public record Change(
    long seq,
    String table,
    Operation operation,
    Instant at,
    List<Audience> audiences,
    List<UUID> hiddenFrom,
    @Nullable String record,
    @Nullable String oldRecord) {

  /** What happened to the row. */
  public enum Operation {
    /** It is new. */
    INSERT,
    /** It has changed. */
    UPDATE,
    /** It was deleted. */
    DELETE
  }

  /** Copies the lists. */
  public Change {
    audiences = List.copyOf(audiences);
    hiddenFrom = List.copyOf(hiddenFrom);
  }

  /**
   * A change that is hidden from nobody.
   *
   * @param seq the change's number in the log
   * @param table the table's name, in schema public
   * @param operation what happened to the row
   * @param at when the change was made
   * @param audiences who may see it
   * @param record the row as it is now
   * @param oldRecord the old row
   */
  public Change(
      long seq,
      String table,
      Operation operation,
      Instant at,
      List<Audience> audiences,
      @Nullable String record,
      @Nullable String oldRecord) {
    this(seq, table, operation, at, audiences, List.of(), record, oldRecord);
  }

  /**
   * Whether somebody may see it.
   *
   * @param theirs the person and the person's team
   * @return true when they are among those who may, and it is not hidden from the person
   */
  public boolean isFor(Set<Audience> theirs) {
    for (UUID person : hiddenFrom) {
      if (theirs.contains(Audience.user(person))) {
        return false;
      }
    }
    for (Audience audience : audiences) {
      if (theirs.contains(audience)) {
        return true;
      }
    }
    return false;
  }
}
