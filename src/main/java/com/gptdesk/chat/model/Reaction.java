package com.gptdesk.chat.model;

import java.util.List;
import java.util.UUID;

/**
 * One reaction to a message, and the people who gave it.
 *
 * @param reaction an emoji or a short word
 * @param userIds who gave it, the first one first
 */
public record Reaction(String reaction, List<UUID> userIds) {

  /** Copies the list. */
  public Reaction {
    userIds = List.copyOf(userIds);
  }
}
