package com.gptdesk.chat.realtime;

import com.gptdesk.chat.relay.Change;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One {@code postgres_changes} wish of a channel. It is echoed exactly as it came, since clients
 * compare, plus an id that events refer to. Immutable.
 *
 * @param id positive, and the same for equal wishes of a channel
 * @param asSent the client's object
 * @param operation what must have happened; null for anything
 * @param filters the tables it hears of, each with what a row must be; empty when the wish cannot
 *     be fulfilled
 * @param trouble why it cannot be fulfilled; null when it can
 */
record Binding(
    int id,
    ObjectNode asSent,
    Change.@Nullable Operation operation,
    Map<String, Filter> filters,
    @Nullable String trouble) {
  private static final String ANY = "*";

  static Binding of(int id, ObjectNode asSent, PublishedTables tables) {
    try {
      return new Binding(id, asSent, operation(asSent), filters(asSent, tables), null);
    } catch (InvalidFilter e) {
      return new Binding(id, asSent, null, Map.of(), String.valueOf(e.getMessage()));
    }
  }

  /**
   * A first proposal for the id of such a wish: positive, and never so large that a client's number
   * would lose digits.
   */
  static int proposedId(ObjectNode asSent) {
    return 1 + (asSent.hashCode() & 0x3fff_ffff);
  }

  /** What the join's answer says of it. */
  ObjectNode echo() {
    return asSent.deepCopy().put("id", id);
  }

  /** Whether the channel is told this change because of it. */
  boolean meets(ChangeData data) {
    Change change = data.change();
    if (operation != null && operation != change.operation()) {
      return false;
    }
    Filter filter = filters.get(change.table());
    return filter != null && (filter.isEmpty() || filter.passes(data.row()));
  }

  /** Anything but the three counts as all of them. */
  private static Change.@Nullable Operation operation(ObjectNode wish) {
    String event = Json.text(wish, "event");
    return switch (event == null ? ANY : event.toUpperCase(Locale.ROOT)) {
      case "INSERT" -> Change.Operation.INSERT;
      case "UPDATE" -> Change.Operation.UPDATE;
      case "DELETE" -> Change.Operation.DELETE;
      default -> null;
    };
  }

  private static Map<String, Filter> filters(ObjectNode wish, PublishedTables tables)
      throws InvalidFilter {
    String schema = textOr(wish, "schema", PublishedTables.SCHEMA);
    String name = textOr(wish, "table", ANY);
    List<Filter.Condition> conditions = Filter.read(textOr(wish, "filter", ""));
    if (!schema.equals(PublishedTables.SCHEMA) && !schema.equals(ANY)) {
      throw new InvalidFilter("no table of schema \"" + schema + "\" is published");
    }
    if (!name.equals(ANY)) {
      PublishedTables.Table table = tables.named(name);
      if (table == null) {
        throw new InvalidFilter("table \"" + name + "\" is not published");
      }
      return Map.of(name, Filter.of(conditions, table));
    }
    return filtersOfAll(conditions, tables);
  }

  /** Every table that has the filter's columns; there must be one. */
  private static Map<String, Filter> filtersOfAll(
      List<Filter.Condition> conditions, PublishedTables tables) throws InvalidFilter {
    var filters = new LinkedHashMap<String, Filter>();
    for (PublishedTables.Table table : tables.all()) {
      if (conditions.stream()
          .allMatch(condition -> table.columns().containsKey(condition.column()))) {
        filters.put(table.name(), Filter.of(conditions, table));
      }
    }
    if (filters.isEmpty()) {
      throw new InvalidFilter("no published table has the columns of the filter");
    }
    return filters;
  }

  private static String textOr(ObjectNode wish, String key, String otherwise) throws InvalidFilter {
    JsonNode value = wish.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isString()) {
      throw new InvalidFilter("\"" + key + "\" must be a text");
    }
    return value.stringValue();
  }
}
