package com.gptdesk.chat.relay;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One committed change of one row.
 *
 * @param seq the change's number in the log; it restarts when the log does, so it is no position to
 *     resume by
 * @param table the table's name, in schema public
 * @param operation what happened to the row
 * @param at when the change was made, by the database's clock
 * @param scopes who may see it
 * @param record the row as it is now, as JSON object text; null for a delete
 * @param oldRecord for an update or a delete the old row, as JSON object text; clients are told no
 *     more than its key of an updated one
 */
public record Change(
    long seq,
    String table,
    Operation operation,
    Instant at,
    List<Scope> scopes,
    @Nullable String record,
    @Nullable String oldRecord) {

  /** What happened to the row. */
  public enum Operation {
    /** It is new. */
    INSERT,
    /** It is another than before. */
    UPDATE,
    /** It is gone. */
    DELETE
  }

  /** Keeps the scopes as they are now. */
  public Change {
    scopes = List.copyOf(scopes);
  }
}
