package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.protocol.Json;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One change in the form that clients receive. It is encoded at the first use, once for each choice
 * of columns, and shared by all sockets. The row is embedded as the database's text, and parsed
 * once when a filter needs it. Thread-safe.
 */
public final class ChangePayload {
  private static final DateTimeFormatter MILLIS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Change change;
  private final PublishedTables.@Nullable Table table;
  private final Runnable whenEncoded;
  private @Nullable String encoded;
  private @Nullable Map<Projection, String> chosen;
  private @Nullable JsonNode row;
  private @Nullable JsonNode before;

  public ChangePayload(Change change, PublishedTables tables) {
    this(change, tables, () -> {});
  }

  /**
   * @param whenEncoded called whenever JSON is encoded, to count it
   */
  ChangePayload(Change change, PublishedTables tables, Runnable whenEncoded) {
    this.change = change;
    this.table = tables.named(change.table());
    this.whenEncoded = whenEncoded;
  }

  public Change change() {
    return change;
  }

  /** Whether clients may subscribe to its table; other tables are internal. */
  public boolean isPublished() {
    return table != null;
  }

  /** About how many characters it contains. */
  public int size() {
    String record = change.record();
    String old = change.oldRecord();
    return 320 + (record == null ? 0 : record.length()) + (old == null ? 0 : old.length());
  }

  /** The {@code data} of the event, as JSON object text. */
  public synchronized String json() {
    String done = encoded;
    if (done == null) {
      done = encode(null);
      encoded = done;
    }
    return done;
  }

  /** The same with these columns only; null for all. */
  public synchronized String json(@Nullable Projection projection) {
    if (projection == null) {
      return json();
    }
    Map<Projection, String> done = chosen;
    if (done == null) {
      done = new HashMap<>(2);
      chosen = done;
    }
    return done.computeIfAbsent(projection, this::encode);
  }

  /** The row for filters: the new row, or the old one after a delete. */
  public synchronized JsonNode row() {
    JsonNode done = row;
    if (done == null) {
      String text =
          change.operation() == Change.Operation.DELETE ? change.oldRecord() : change.record();
      done = text == null ? Json.object() : Json.row(text);
      row = done;
    }
    return done;
  }

  /**
   * The old row of an update, as a row that leaves a filter concerns its former subscribers, too.
   * Columns that the log omits are the same as in the new row.
   */
  synchronized JsonNode before() {
    JsonNode done = before;
    if (done == null) {
      String old = change.oldRecord();
      done = row();
      if (change.operation() == Change.Operation.UPDATE
          && old != null
          && done instanceof ObjectNode now
          && Json.row(old) instanceof ObjectNode then) {
        done = Json.object().setAll(now).setAll(then);
      }
      before = done;
    }
    return done;
  }

  private String encode(@Nullable Projection projection) {
    whenEncoded.run();
    String record = projected(change.record(), projection);
    String old = projected(old(), projection);
    var json =
        new StringBuilder(size())
            .append("{\"schema\":\"" + PublishedTables.SCHEMA + "\",\"table\":")
            .append(Json.quote(change.table()))
            .append(",\"type\":\"")
            .append(change.operation())
            .append("\",\"commit_timestamp\":\"")
            .append(MILLIS.format(change.at()))
            .append("\",\"columns\":")
            .append(
                projection != null
                    ? projection.columnsJson()
                    : table == null ? "[]" : table.columnsJson());
    if (change.operation() != Change.Operation.DELETE) {
      json.append(",\"record\":").append(record == null ? "{}" : record);
    }
    if (change.operation() != Change.Operation.INSERT) {
      json.append(",\"old_record\":").append(old == null ? "{}" : old);
    }
    return json.append(",\"errors\":null}").toString();
  }

  private static @Nullable String projected(@Nullable String row, @Nullable Projection projection) {
    return row == null || projection == null ? row : RowText.only(projection.columns(), row);
  }

  /**
   * Of the old row of an update, clients get only the key. The rest is for filters, as it may hold
   * what the reader never saw or what was deleted.
   */
  private @Nullable String old() {
    String old = change.oldRecord();
    return old == null || table == null || change.operation() != Change.Operation.UPDATE
        ? old
        : RowText.only(table.key(), old);
  }
}
