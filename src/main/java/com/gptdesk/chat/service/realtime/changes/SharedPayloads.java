package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.relay.Change;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one payload of a change that all sockets of a node share. Owned by the relay's thread: it
 * tells a change to everybody before the next, so the last one is all that has to be remembered.
 */
@SuppressWarnings("ReferenceEquality") // The same object, not an equal one, is asked for again.
public final class SharedPayloads {
  private final PublishedTables tables;
  private final Runnable whenEncoded;
  private volatile @Nullable ChangePayload lastChange;

  /** The same for what is said on topics; the change, and what became of it. */
  private volatile Map.@Nullable Entry<Change, Optional<TopicEvent>> lastEvent;

  /**
   * @param whenEncoded called whenever JSON is made, so that it can be counted
   */
  public SharedPayloads(PublishedTables tables, Runnable whenEncoded) {
    this.tables = tables;
    this.whenEncoded = whenEncoded;
  }

  /** A row's change. */
  public ChangePayload change(Change change) {
    ChangePayload last = lastChange;
    if (last == null || last.change() != change) {
      last = new ChangePayload(change, tables, whenEncoded);
      lastChange = last;
    }
    return last;
  }

  /** What is said on a topic; null for what cannot be read. */
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
