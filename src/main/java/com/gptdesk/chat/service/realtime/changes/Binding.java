package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.protocol.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One {@code postgres_changes} wish of a channel. It is echoed exactly as it came, since clients
 * compare, plus an id that events refer to. Immutable.
 *
 * @param id positive, and the same for equal wishes of a channel
 * @param asSent the client's object, as text: a tree of it would be most of an idle socket
 * @param operation what must have happened; null for anything
 * @param filters the tables it hears of, each with what a row must be; empty when the wish cannot
 *     be fulfilled
 * @param projection the columns it wants; null for all
 * @param resumes where it goes on: what came after is replayed; null when it hears from now on
 * @param cannotResume whether the client was away and what it missed cannot be replayed, so that it
 *     must be told
 * @param trouble why it cannot be fulfilled; null when it can
 */
public record Binding(
    int id,
    String asSent,
    Change.@Nullable Operation operation,
    Map<String, Filter> filters,
    @Nullable Projection projection,
    @Nullable ResumePoint resumes,
    boolean cannotResume,
    @Nullable String trouble) {
  private static final String ANY = "*";

  /** The client's wishes as bindings: equal ones share an id, others never do. */
  public static List<Binding> all(List<ObjectNode> wishes, PublishedTables tables) {
    var bindings = new ArrayList<Binding>(wishes.size());
    for (ObjectNode wish : wishes) {
      int equal = wishes.indexOf(wish);
      int id = equal < bindings.size() ? bindings.get(equal).id() : freeId(bindings, wish);
      bindings.add(of(id, wish, tables));
    }
    return List.copyOf(bindings);
  }

  private static int freeId(List<Binding> bindings, ObjectNode wish) {
    int id = proposedId(wish);
    while (isTaken(bindings, id)) {
      id++;
    }
    return id;
  }

  private static boolean isTaken(List<Binding> bindings, int id) {
    return bindings.stream().anyMatch(binding -> binding.id() == id);
  }

  public static Binding of(int id, ObjectNode wish, PublishedTables tables) {
    String asSent = Json.write(wish);
    try {
      Map<String, Filter> filters = filters(wish, tables);
      String name = textOr(wish, "table", ANY);
      Long since = since(wish);
      ResumePoint resumes = since == null ? null : resumes(filters, name, since);
      return new Binding(
          id,
          asSent,
          operation(wish),
          filters,
          Projection.of(wish.get("select"), tables.named(name)),
          resumes,
          since != null && resumes == null,
          null);
    } catch (InvalidFilter e) {
      return new Binding(
          id, asSent, null, Map.of(), null, null, false, String.valueOf(e.getMessage()));
    }
  }

  /**
   * A first proposal for the id of such a wish: positive, and never so large that a client's number
   * would lose digits.
   */
  static int proposedId(ObjectNode wish) {
    return 1 + (wish.hashCode() & 0x3fff_ffff);
  }

  /** What the join's answer says of it. */
  public JsonNode echo() {
    JsonNode wish = Json.row(asSent);
    return wish instanceof ObjectNode object ? object.put("id", id) : wish;
  }

  /**
   * Whether the channel is told this change because of it. An update concerns who had the row as
   * well as who has it now: a row that leaves a filter is told as the update it is.
   */
  public boolean meets(ChangePayload data) {
    Change change = data.change();
    if (operation != null && operation != change.operation()) {
      return false;
    }
    Filter filter = filters.get(change.table());
    return filter != null
        && (filter.isEmpty()
            || filter.passes(data.row())
            || (change.operation() == Change.Operation.UPDATE && filter.passes(data.before())));
  }

  private static @Nullable Long since(ObjectNode wish) throws InvalidFilter {
    JsonNode since = wish.get("since");
    if (since == null || since.isNull()) {
      return null;
    }
    if (!since.isIntegralNumber() || !since.canConvertToLong() || since.longValue() < 0) {
      throw new InvalidFilter("\"since\" must be a revision: a whole number, 0 for everything");
    }
    return since.longValue();
  }

  /** One conversation's messages have revisions to go on from; nothing else does. */
  private static @Nullable ResumePoint resumes(
      Map<String, Filter> filters, String table, long since) {
    Filter filter = table.equals(ResumePoint.TABLE) ? filters.get(table) : null;
    String conversation = filter == null ? null : filter.only("conversation_id");
    if (conversation == null) {
      return null;
    }
    try {
      return new ResumePoint(UUID.fromString(conversation), since);
    } catch (IllegalArgumentException e) {
      return null;
    }
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
      return Map.of(table.name(), Filter.of(conditions, table)); // not the text that was sent
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
