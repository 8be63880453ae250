package com.gptdesk.chat.realtime;

import com.gptdesk.chat.relay.Change;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One change as clients are told it. Encoded once, whoever asks first, and shared by all sockets;
 * the row is embedded as the text the database made and only parsed, once, when a filter has to
 * look into it. Any thread may ask.
 */
final class ChangeData {
  private static final DateTimeFormatter MILLIS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Change change;
  private final PublishedTables.@Nullable Table table;
  private @Nullable String encoded;
  private @Nullable JsonNode row;

  ChangeData(Change change, PublishedTables tables) {
    this.change = change;
    this.table = tables.named(change.table());
  }

  Change change() {
    return change;
  }

  /** The {@code data} of the event, as JSON object text. */
  synchronized String json() {
    String done = encoded;
    if (done == null) {
      done = encode();
      encoded = done;
    }
    return done;
  }

  /** What a filter looks at: the row as it is now, or as it was when it is gone. */
  synchronized JsonNode row() {
    JsonNode done = row;
    if (done == null) {
      String text =
          change.operation() == Change.Operation.DELETE ? change.oldRecord() : change.record();
      done = text == null ? Json.object() : Json.row(text);
      row = done;
    }
    return done;
  }

  private String encode() {
    String record = change.record();
    String old = change.oldRecord();
    var json =
        new StringBuilder(
                320 + (record == null ? 0 : record.length()) + (old == null ? 0 : old.length()))
            .append("{\"schema\":\"" + PublishedTables.SCHEMA + "\",\"table\":")
            .append(Json.quote(change.table()))
            .append(",\"type\":\"")
            .append(change.operation())
            .append("\",\"commit_timestamp\":\"")
            .append(MILLIS.format(change.at()))
            .append("\",\"columns\":")
            .append(table == null ? "[]" : table.columnsJson());
    if (change.operation() != Change.Operation.DELETE) {
      json.append(",\"record\":").append(record == null ? "{}" : record);
    }
    if (change.operation() != Change.Operation.INSERT) {
      json.append(",\"old_record\":").append(old == null ? "{}" : old);
    }
    return json.append(",\"errors\":null}").toString();
  }
}
