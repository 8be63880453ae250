package com.gptdesk.chat.database;

import java.util.List;
import java.util.UUID;

/**
 * Whose changes a person may hear.
 *
 * @param people ids of people: the person's own; empty for who may not use the chat
 * @param teams ids of teams: the person's
 */
public record AudienceIds(List<UUID> people, List<UUID> teams) {

  /**
   * Copies the lists.
   *
   * @param people ids of people
   * @param teams ids of teams
   */
  public AudienceIds {
    people = List.copyOf(people);
    teams = List.copyOf(teams);
  }
}
