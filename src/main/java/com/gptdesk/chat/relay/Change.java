package com.gptdesk.chat.relay;

import java.time.Instant;
import java.util.List;
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

  /** Copies the audiences. */
  public Change {
    audiences = List.copyOf(audiences);
  }
}
