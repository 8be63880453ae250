package com.gptdesk.chat.relay;

import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who may see a change: a person, or the members of a team. A team's id may equal a person's, so
 * the kind is part of it.
 *
 * @param kind what the id is of
 * @param id the person's or the team's
 */
public record Audience(Kind kind, UUID id) {

  /** What an id is of. */
  public enum Kind {
    /** One person. */
    USER,
    /** The members of a team. */
    TEAM,
    /**
     * Everybody. Of no change itself; used where one process notes the audiences of all changes.
     */
    EVERYBODY;

    /** The kind's name in texts: {@code user}, {@code team}, {@code everybody}. */
    private final String text = name().toLowerCase(Locale.ROOT);
  }

  /**
   * {@return the audience of one person}
   *
   * @param id the person's
   */
  public static Audience user(UUID id) {
    return new Audience(Kind.USER, id);
  }

  /**
   * {@return the audience of a team's members}
   *
   * @param id the team's
   */
  public static Audience team(UUID id) {
    return new Audience(Kind.TEAM, id);
  }

  /**
   * {@return the audiences of these people and teams, people first}
   *
   * @param users ids of people
   * @param teams ids of teams
   */
  public static List<Audience> of(List<UUID> users, List<UUID> teams) {
    return Stream.concat(users.stream().map(Audience::user), teams.stream().map(Audience::team))
        .toList();
  }

  /**
   * {@return the audiences of these people and teams, people first}
   *
   * @param users ids of people; null for none
   * @param teams ids of teams; null for none
   */
  public static List<Audience> of(UUID @Nullable [] users, UUID @Nullable [] teams) {
    return of(
        users == null ? List.of() : List.of(users), teams == null ? List.of() : List.of(teams));
  }

  /** {@return the kind and the id: {@code user.<id>}, as in the subjects of NATS} */
  @Override
  public String toString() {
    return kind.text + "." + id;
  }
}
