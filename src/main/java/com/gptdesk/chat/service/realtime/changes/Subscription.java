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
 * One {@code postgres_changes} subscription of a channel. It is echoed exactly as it was sent,
 * because clients compare it, with an added id that events refer to. Immutable.
 *
 * @param id positive; equal subscriptions of a channel share it
 * @param asSent the client's object as text, since its tree would take most of an idle socket's
 *     memory
 * @param operation the operation; null for all
 * @param filters its tables, each with the filter of its rows; empty when the subscription is
 *     invalid
 * @param projection the requested columns; null for all
 * @param resumes where it resumes, so that later changes are replayed; null for live changes only
 * @param cannotResume whether the client was away and its missed changes cannot be replayed, which
 *     it must be told
 * @param problem why the subscription is invalid; null when it is valid
 */
public record Subscription(
    int id,
    String asSent,
    Change.@Nullable Operation operation,
    Map<String, Filter> filters,
    @Nullable Projection projection,
    @Nullable ResumePoint resumes,
    boolean cannotResume,
    @Nullable String problem) {
  private static final String ANY = "*";

  /** The client's requests as subscriptions: equal ones share an id, different ones never do. */
  public static List<Subscription> all(List<ObjectNode> requests, PublishedTables tables) {
    var subscriptions = new ArrayList<Subscription>(requests.size());
    for (ObjectNode request : requests) {
      int equal = requests.indexOf(request);
      int id =
          equal < subscriptions.size()
              ? subscriptions.get(equal).id()
              : freeId(subscriptions, request);
      subscriptions.add(of(id, request, tables));
    }
    return List.copyOf(subscriptions);
  }

  private static int freeId(List<Subscription> subscriptions, ObjectNode request) {
    int id = proposedId(request);
    while (isTaken(subscriptions, id)) {
      id++;
    }
    return id;
  }

  private static boolean isTaken(List<Subscription> subscriptions, int id) {
    return subscriptions.stream().anyMatch(subscription -> subscription.id() == id);
  }

  public static Subscription of(int id, ObjectNode request, PublishedTables tables) {
    String asSent = Json.write(request);
    try {
      Map<String, Filter> filters = filters(request, tables);
      String name = textOr(request, "table", ANY);
      Long since = since(request);
      ResumePoint resumes = since == null ? null : resumes(filters, name, since);
      return new Subscription(
          id,
          asSent,
          operation(request),
          filters,
          Projection.of(request.get("select"), tables.named(name)),
          resumes,
          since != null && resumes == null,
          null);
    } catch (InvalidFilter e) {
      return new Subscription(
          id, asSent, null, Map.of(), null, null, false, String.valueOf(e.getMessage()));
    }
  }

  /**
   * A first proposal for the id of a request: positive, and small enough for a client's number
   * type.
   */
  static int proposedId(ObjectNode request) {
    return 1 + (request.hashCode() & 0x3fff_ffff);
  }

  /** The subscription in the reply to the join. */
  public JsonNode echo() {
    JsonNode request = Json.row(asSent);
    return request instanceof ObjectNode object ? object.put("id", id) : request;
  }

  /**
   * Whether this change matches. An update matches by the old row or by the new one, so a row that
   * leaves a filter is still delivered as an update.
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

  private static @Nullable Long since(ObjectNode request) throws InvalidFilter {
    JsonNode since = request.get("since");
    if (since == null || since.isNull()) {
      return null;
    }
    if (!since.isIntegralNumber() || !since.canConvertToLong() || since.longValue() < 0) {
      throw new InvalidFilter("\"since\" must be a revision: a whole number, 0 for everything");
    }
    return since.longValue();
  }

  /** Only the messages of one conversation have revisions to resume from. */
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

  /** Any other event name means all three. */
  private static Change.@Nullable Operation operation(ObjectNode request) {
    String event = Json.text(request, "event");
    return switch (event == null ? ANY : event.toUpperCase(Locale.ROOT)) {
      case "INSERT" -> Change.Operation.INSERT;
      case "UPDATE" -> Change.Operation.UPDATE;
      case "DELETE" -> Change.Operation.DELETE;
      default -> null;
    };
  }

  private static Map<String, Filter> filters(ObjectNode request, PublishedTables tables)
      throws InvalidFilter {
    String schema = textOr(request, "schema", PublishedTables.SCHEMA);
    String name = textOr(request, "table", ANY);
    List<Filter.Condition> conditions = Filter.read(textOr(request, "filter", ""));
    if (!schema.equals(PublishedTables.SCHEMA) && !schema.equals(ANY)) {
      throw new InvalidFilter("no table of schema \"" + schema + "\" is published");
    }
    if (!name.equals(ANY)) {
      PublishedTables.Table table = tables.named(name);
      if (table == null) {
        throw new InvalidFilter("table \"" + name + "\" is not published");
      }
      return Map.of(
          table.name(),
          Filter.of(conditions, table)); // shares the name, not the text that was sent
    }
    return filtersOfAll(conditions, tables);
  }

  /** All tables that have the filter's columns; there must be at least one. */
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

  private static String textOr(ObjectNode request, String key, String otherwise)
      throws InvalidFilter {
    JsonNode value = request.get(key);
    if (value == null || value.isNull()) {
      return otherwise;
    }
    if (!value.isString()) {
      throw new InvalidFilter("\"" + key + "\" must be a text");
    }
    return value.stringValue();
  }
}
