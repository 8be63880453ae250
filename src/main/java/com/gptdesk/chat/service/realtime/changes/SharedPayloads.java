package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The payload of a change, shared by all sockets of a node. Owned by the relay's thread, which
 * delivers one change to everybody before the next, so only the last one is kept.
 */
@SuppressWarnings("ReferenceEquality") // Compares identity: the same object is asked for again.
public final class SharedPayloads {
  private final PublishedTables tables;
  private final Runnable whenEncoded;
  private volatile @Nullable ChangePayload lastChange;

  /** The same for events of topics: the change and its event. */
  private volatile Map.@Nullable Entry<Change, Optional<TopicEvent>> lastEvent;

  /**
   * @param whenEncoded called whenever JSON is encoded, to count it
   */
  public SharedPayloads(PublishedTables tables, Runnable whenEncoded) {
    this.tables = tables;
    this.whenEncoded = whenEncoded;
  }

  /** The payload of a row's change. */
  public ChangePayload change(Change change) {
    ChangePayload last = lastChange;
    if (last == null || last.change() != change) {
      last = new ChangePayload(change, tables, whenEncoded);
      lastChange = last;
    }
    return last;
  }

  /** The event of a topic; null when it is malformed. */
  public @Nullable TopicEvent event(Change change) {
    Map.Entry<Change, Optional<TopicEvent>> last = lastEvent;
    if (last == null || last.getKey() != change) {
      last = Map.entry(change, Optional.ofNullable(TopicEvent.of(change)));
      whenEncoded.run();
      lastEvent = last;
    }
    return last.getValue().orElse(null);
  }
}
