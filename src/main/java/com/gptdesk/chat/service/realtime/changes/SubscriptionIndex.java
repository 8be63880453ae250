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
 * Indexes the subscriptions of several owners by table, column and value, so that a change need not
 * be tested against all. Immutable.
 *
 * @param <O> the owner of subscriptions
 */
public final class SubscriptionIndex<O> {
  private static final SubscriptionIndex<?> NONE =
      new SubscriptionIndex<>(List.of(), none -> List.of());

  /** One subscription, numbered in the order of creation. */
  private record Entry<O>(int number, O owner, Subscription subscription) {}

  /** The subscriptions that need certain values of one column. */
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

  private SubscriptionIndex(Collection<O> owners, Function<O, List<Subscription>> bindingsOf) {
    int number = 0;
    for (O owner : owners) {
      for (Subscription subscription : bindingsOf.apply(owner)) {
        var entry = new Entry<>(number++, owner, subscription);
        subscription.filters().forEach((table, filter) -> add(table, filter, entry));
      }
    }
  }

  @SuppressWarnings("unchecked") // An empty index refers to no owner.
  public static <O> SubscriptionIndex<O> of(
      Collection<O> owners, Function<O, List<Subscription>> bindingsOf) {
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

  /** Whether some subscription may match; false is certain. */
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

  /** The subscriptions that may match, by owner, in the order of creation. */
  public Map<O, List<Subscription>> mayHear(ChangePayload data) {
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
    var byOwner = new LinkedHashMap<O, List<Subscription>>();
    for (Entry<O> entry : found.values()) {
      byOwner.computeIfAbsent(entry.owner(), owner -> new ArrayList<>(2)).add(entry.subscription());
    }
    return byOwner;
  }

  /** The row, and for an update the old row, too. */
  private static List<JsonNode> rows(ChangePayload data) {
    return data.change().operation() == Change.Operation.UPDATE
        ? List.of(data.row(), data.before())
        : List.of(data.row());
  }
}
