package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The bindings of several owners by table, column and value: a change finds those it may reach
 * instead of asking all. Immutable; any thread may ask.
 *
 * @param <O> who has bindings
 */
public final class SubscriptionIndex<O> {
  private static final SubscriptionIndex<?> NONE =
      new SubscriptionIndex<>(List.of(), none -> List.of());

  /** One binding; its number keeps the order in which the owners made them. */
  private record Entry<O>(int number, O owner, Binding binding) {}

  /** Those of one column that wait for certain values. */
  private record ByValue<O>(ColumnType<?> type, Map<Object, List<Entry<O>>> entries) {
    List<Entry<O>> of(@Nullable JsonNode value) {
      Object key = type.key(value);
      return key == null ? List.of() : entries.getOrDefault(key, List.of());
    }
  }

  private static final class OfTable<O> {
    final List<Entry<O>> anyRow = new ArrayList<>(1);
    Map<String, ByValue<O>> byColumn = Map.of();
  }

  private final Map<String, OfTable<O>> tables = new HashMap<>();

  private SubscriptionIndex(Collection<O> owners, Function<O, List<Binding>> bindingsOf) {
    int number = 0;
    for (O owner : owners) {
      for (Binding binding : bindingsOf.apply(owner)) {
        var entry = new Entry<>(number++, owner, binding);
        binding.filters().forEach((table, filter) -> add(table, filter, entry));
      }
    }
  }

  @SuppressWarnings("unchecked") // An empty one holds no owner.
  public static <O> SubscriptionIndex<O> of(
      Collection<O> owners, Function<O, List<Binding>> bindingsOf) {
    return owners.isEmpty()
        ? (SubscriptionIndex<O>) NONE
        : new SubscriptionIndex<>(owners, bindingsOf);
  }

  private void add(String table, Filter filter, Entry<O> entry) {
    OfTable<O> its = tables.computeIfAbsent(table, name -> new OfTable<>());
    Filter.Anchor anchor = filter.anchor();
    if (anchor == null) {
      its.anyRow.add(entry);
      return;
    }
    if (its.byColumn.isEmpty()) {
      its.byColumn = new HashMap<>(1);
    }
    ByValue<O> column =
        its.byColumn.computeIfAbsent(
            anchor.column(), name -> new ByValue<>(anchor.type(), new HashMap<>(1)));
    for (Object value : anchor.values()) {
      column.entries().computeIfAbsent(value, same -> new ArrayList<>(1)).add(entry);
    }
  }

  /** Whether some binding may hear of this; false is certain. */
  public boolean mayConcern(ChangePayload data) {
    OfTable<O> its = tables.get(data.change().table());
    if (its == null) {
      return false;
    }
    if (!its.anyRow.isEmpty()) {
      return true;
    }
    for (Map.Entry<String, ByValue<O>> column : its.byColumn.entrySet()) {
      for (JsonNode row : rows(data)) {
        if (!column.getValue().of(row.get(column.getKey())).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }

  /** The bindings that may hear of this, by owner, in the order they were made. */
  public Map<O, List<Binding>> mayHear(ChangePayload data) {
    OfTable<O> its = tables.get(data.change().table());
    if (its == null) {
      return Map.of();
    }
    var found = new TreeMap<Integer, Entry<O>>();
    its.anyRow.forEach(entry -> found.put(entry.number(), entry));
    its.byColumn.forEach(
        (column, byValue) -> {
          for (JsonNode row : rows(data)) {
            byValue.of(row.get(column)).forEach(entry -> found.put(entry.number(), entry));
          }
        });
    var byOwner = new LinkedHashMap<O, List<Binding>>();
    for (Entry<O> entry : found.values()) {
      byOwner.computeIfAbsent(entry.owner(), owner -> new ArrayList<>(2)).add(entry.binding());
    }
    return byOwner;
  }

  /** The row, and for an update what it was. */
  private static List<JsonNode> rows(ChangePayload data) {
    return data.change().operation() == Change.Operation.UPDATE
        ? List.of(data.row(), data.before())
        : List.of(data.row());
  }
}
