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
 * One change as clients are told it. Encoded once, whoever asks first, and shared by all sockets
 * (once more for each other choice of columns); the row is embedded as the text the database made
 * and only parsed, once, when a filter has to look into it. Any thread may ask.
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
   * @param whenEncoded told whenever JSON is made, so that it can be counted
   */
  ChangePayload(Change change, PublishedTables tables, Runnable whenEncoded) {
    this.change = change;
    this.table = tables.named(change.table());
    this.whenEncoded = whenEncoded;
  }

  public Change change() {
    return change;
  }

  /** Whether clients may subscribe to its table; others are for the service alone. */
  public boolean isPublished() {
    return table != null;
  }

  /** About how many characters it holds. */
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

  /** The same with some columns only; null for all. */
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

  /** What a filter looks at: the row as it is now, or as it was when it is gone. */
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
   * For an update also the row as it was before it: a row that leaves a filter concerns whoever had
   * it. What the log does not say of the old row is as in the new one.
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
   * Of an updated row clients are told the old key alone: the rest of it serves filters, and may
   * say what its reader never saw or what was taken back.
   */
  private @Nullable String old() {
    String old = change.oldRecord();
    return old == null || table == null || change.operation() != Change.Operation.UPDATE
        ? old
        : RowText.only(table.key(), old);
  }
}
