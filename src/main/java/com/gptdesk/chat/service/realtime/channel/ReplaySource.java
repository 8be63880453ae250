package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;

/**
 * From where a node replays what channels missed, and how much.
 *
 * @param missed asks the database
 * @param tables what is published
 * @param maxReplayed changes of one conversation; for more the client reads it again
 * @param maxHeldChanges live changes that may wait for one replay
 * @param maxHeldBytes about how large those may be
 */
public record ReplaySource(
    MissedMessages missed,
    PublishedTables tables,
    int maxReplayed,
    int maxHeldChanges,
    int maxHeldBytes) {
  /** So many messages are asked for at a time. */
  public static final int PAGE = 200;
}
