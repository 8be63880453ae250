package com.gptdesk.chat.service.realtime.changes;

import java.util.UUID;

/**
 * Where a binding goes on: what it asked for by {@code since}.
 *
 * @param revision the highest one the client has
 */
public record ResumePoint(UUID conversation, long revision) {
  /** The only table whose rows have revisions to go on from. */
  public static final String TABLE = "user_messages";
}
