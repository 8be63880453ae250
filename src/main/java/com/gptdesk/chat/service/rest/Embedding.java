package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.service.query.TableQuery.Selected;

/**
 * A table within another, with the relationship that was found for it.
 *
 * @param target the embedded table
 */
record Embedding(Selected.Embed embed, Relationship relationship, ServedTable target) {

  /** Whether the client means this one by that name. */
  boolean isNamed(String name) {
    return embed.shownName().equals(name);
  }
}
