package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;

/**
 * The source of a node's replays, and their limits.
 *
 * @param missed reads from the database
 * @param tables what is published
 * @param maxReplayed the most changes of one conversation; beyond that the client reads it again
 * @param maxHeldChanges live changes that may wait for one replay
 * @param maxHeldBytes about how large those may be
 */
public record ReplaySource(
    MissedMessages missed,
    PublishedTables tables,
    int maxReplayed,
    int maxHeldChanges,
    int maxHeldBytes) {
  /** The size of a page in messages. */
  public static final int PAGE = 200;
}
