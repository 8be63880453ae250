package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.relay.Change;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The bindings of one person's channels by table, column and value: a change finds those it may
 * reach instead of asking all. Immutable; any thread may ask.
 */
final class SubscriptionIndex {
  static final SubscriptionIndex NONE = new SubscriptionIndex(List.of());

  /** One binding; its number keeps the order in which the channels made them. */
  private record Entry(int number, Channel channel, Binding binding) {}

  /** Those of one column that wait for certain values. */
  private record ByValue(ColumnType<?> type, Map<Object, List<Entry>> entries) {
    List<Entry> of(@Nullable JsonNode value) {
      Object key = type.key(value);
      return key == null ? List.of() : entries.getOrDefault(key, List.of());
    }
  }

  private static final class OfTable {
    final List<Entry> anyRow = new ArrayList<>(1);
    Map<String, ByValue> byColumn = Map.of();
  }

  private final Map<String, OfTable> tables = new HashMap<>();

  private SubscriptionIndex(Collection<Channel> channels) {
    int number = 0;
    for (Channel channel : channels) {
      for (Binding binding : channel.bindings()) {
        var entry = new Entry(number++, channel, binding);
        binding.filters().forEach((table, filter) -> add(table, filter, entry));
      }
    }
  }

  static SubscriptionIndex of(Collection<Channel> channels) {
    return channels.isEmpty() ? NONE : new SubscriptionIndex(channels);
  }

  private void add(String table, Filter filter, Entry entry) {
    OfTable its = tables.computeIfAbsent(table, name -> new OfTable());
    Filter.Anchor anchor = filter.anchor();
    if (anchor == null) {
      its.anyRow.add(entry);
      return;
    }
    if (its.byColumn.isEmpty()) {
      its.byColumn = new HashMap<>(1);
    }
    ByValue column =
        its.byColumn.computeIfAbsent(
            anchor.column(), name -> new ByValue(anchor.type(), new HashMap<>(1)));
    for (Object value : anchor.values()) {
      column.entries().computeIfAbsent(value, same -> new ArrayList<>(1)).add(entry);
    }
  }

  /** Whether some binding may hear of this; false is certain. */
  boolean mayConcern(ChangePayload data) {
    OfTable its = tables.get(data.change().table());
    if (its == null) {
      return false;
    }
    if (!its.anyRow.isEmpty()) {
      return true;
    }
    for (Map.Entry<String, ByValue> column : its.byColumn.entrySet()) {
      for (JsonNode row : rows(data)) {
        if (!column.getValue().of(row.get(column.getKey())).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }

  /** The bindings that may hear of this, by channel, in the order they were made. */
  Map<Channel, List<Binding>> mayHear(ChangePayload data) {
    OfTable its = tables.get(data.change().table());
    if (its == null) {
      return Map.of();
    }
    var found = new TreeMap<Integer, Entry>();
    its.anyRow.forEach(entry -> found.put(entry.number(), entry));
    its.byColumn.forEach(
        (column, byValue) -> {
          for (JsonNode row : rows(data)) {
            byValue.of(row.get(column)).forEach(entry -> found.put(entry.number(), entry));
          }
        });
    var byChannel = new LinkedHashMap<Channel, List<Binding>>();
    for (Entry entry : found.values()) {
      byChannel
          .computeIfAbsent(entry.channel(), channel -> new ArrayList<>(2))
          .add(entry.binding());
    }
    return byChannel;
  }

  /** The row, and for an update what it was. */
  private static List<JsonNode> rows(ChangePayload data) {
    return data.change().operation() == Change.Operation.UPDATE
        ? List.of(data.row(), data.before())
        : List.of(data.row());
  }
}
