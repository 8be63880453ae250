package com.gptdesk.chat.service.people;

import static com.gptdesk.chat.database.internal.chat.Routines.personCalled;
import static com.gptdesk.chat.database.internal.chat.Routines.storePerson;
import static com.gptdesk.chat.jooq.Tables.USERS;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.internal.chat.routines.StorePerson;
import com.gptdesk.chat.jooq.Routines;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * The teams and people of the standalone platform, as its owner changes them. On an existing
 * platform they are not the chat's, and each change is refused.
 */
public final class People implements AutoCloseable {
  private static final Set<String> KNOWN =
      Set.of("id", "email", "full_name", "team", "avatar_url", "status");

  private final Connection connection;
  private final DSLContext owner;

  /** What a file of people changed. */
  public record Imported(int added, int changed, int unchanged) {}

  private People(Connection connection) {
    this.connection = connection;
    this.owner = DSL.using(connection, SQLDialect.POSTGRES);
  }

  /**
   * Opens a connection.
   *
   * @param owner the login that owns the database
   * @throws IllegalStateException the database has no people of its own, and what to do
   */
  public static People of(Login owner) throws SQLException {
    People people = new People(owner.connect());
    try {
      people.demandStandalone();
      return people;
    } catch (RuntimeException e) {
      people.close();
      throw e;
    }
  }

  private void demandStandalone() {
    if (owner.fetchValue("select to_regprocedure('chat.lock_people()')") == null) {
      throw new IllegalStateException(
          "The chat of this version is not in this database yet: run the command migrate first.");
    }
    if (!"standalone".equals(owner.fetchValue("select platform from chat.settings"))) {
      throw new IllegalStateException(
          "Teams and people belong to the platform that was here before the chat: change them there.");
    }
  }

  /**
   * Adds a team, or finds the one of this name.
   *
   * @return its id
   * @throws InvalidPerson the name is empty, or several teams have it
   */
  public UUID team(String name) {
    return told(() -> Routines.addTeam(owner.configuration(), name));
  }

  /**
   * Adds a person, or changes the one with this id or e-mail address. Null leaves a value as it is;
   * an empty text clears it.
   *
   * @param id the claim {@code sub} of their tokens; null for a new one
   * @param fullName needed for a new person
   * @param team a team's name or id
   * @return their id
   * @throws InvalidPerson something cannot be stored, and why
   */
  public UUID person(
      @Nullable String id,
      String email,
      @Nullable String fullName,
      @Nullable String team,
      @Nullable String avatarUrl) {
    UUID known = uuid(id);
    return told(
        () -> Routines.addPerson(owner.configuration(), email, fullName, team, avatarUrl, known));
  }

  /**
   * Lets a person use the chat, or no longer. What they wrote stays.
   *
   * @param who their e-mail address or id
   * @return whether this changed anything
   * @throws InvalidPerson nobody has this address or id
   */
  public boolean activate(String who, boolean active) {
    return told(
        () ->
            active
                ? Routines.activatePerson(owner.configuration(), who)
                : Routines.deactivatePerson(owner.configuration(), who));
  }

  /**
   * The id of an active person.
   *
   * @param who their e-mail address or id
   * @throws InvalidPerson nobody has this address or id, or they are not active
   */
  public UUID active(String who) {
    UUID id = told(() -> personCalled(owner.configuration(), who));
    if (id == null) {
      throw new InvalidPerson("Nobody has the e-mail address or id \"%s\".".formatted(who));
    }
    if (!owner.fetchExists(USERS, USERS.ID.eq(id).and(USERS.STATUS.eq("active")))) {
      throw new InvalidPerson("\"" + who + "\" is not active: the command activate changes that.");
    }
    return id;
  }

  /**
   * Adds and changes the people of a CSV file in UTF-8: all, or none if one line cannot be stored.
   * The first line names the columns: {@code email}, and any of {@code full_name}, {@code team},
   * {@code avatar_url}, {@code status} and {@code id}. Who is not in the file stays as they are.
   *
   * @param createsTeams adds teams that are not there yet
   * @throws IOException the file cannot be read
   * @throws InvalidPerson what cannot be stored, a line for each
   */
  public Imported read(Path file, boolean createsTeams) throws IOException {
    Result<Record> lines = lines(file);
    return owner.transactionResult(
        transaction -> {
          Map<String, Integer> outcomes = new HashMap<>();
          List<String> problems = new ArrayList<>();
          Map<UUID, Integer> seen = new HashMap<>();
          int number = 0;
          for (Record line : lines) {
            number++;
            try {
              StorePerson stored =
                  told(
                      () ->
                          transaction
                              .dsl()
                              .transactionResult(
                                  entry -> store(entry.dsl().configuration(), line, createsTeams)));
              Integer before = seen.putIfAbsent(stored.getPersonId(), number);
              if (before != null) {
                throw new InvalidPerson("the same person as entry " + before);
              }
              outcomes.merge(stored.getOutcome(), 1, Integer::sum);
            } catch (InvalidPerson e) {
              problems.add("Entry %d: %s".formatted(number, e.getMessage()));
            }
          }
          if (!problems.isEmpty()) {
            throw new InvalidPerson(
                "Nothing was stored.%n%s".formatted(String.join(System.lineSeparator(), problems)));
          }
          return new Imported(
              outcomes.getOrDefault("added", 0),
              outcomes.getOrDefault("changed", 0),
              outcomes.getOrDefault("unchanged", 0));
        });
  }

  private Result<Record> lines(Path file) throws IOException {
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new InvalidPerson("The file is not in UTF-8: save it as CSV in UTF-8.");
    }
    String plain = text.startsWith("\uFEFF") ? text.substring(1) : text;
    String header = plain.lines().findFirst().orElse("");
    Result<Record> lines;
    try {
      lines = owner.fetchFromCSV(plain, header.contains(";") ? ';' : ',');
    } catch (DataAccessException e) {
      throw new InvalidPerson("This is no CSV file: " + e.getMessage());
    }
    Set<String> unknown =
        Arrays.stream(lines.fields()).map(Field::getName).collect(Collectors.toSet());
    unknown.removeAll(KNOWN);
    if (!unknown.isEmpty() || lines.field("email") == null) {
      throw new InvalidPerson(
          "The first line names the columns: email, and any of full_name, team, avatar_url, status and id. Here it is: "
              + header);
    }
    return lines;
  }

  private static StorePerson store(Configuration entry, Record line, boolean createsTeams) {
    return storePerson(
        entry,
        uuid(cell(line, "id")),
        cell(line, "email"),
        cell(line, "full_name"),
        cell(line, "team"),
        cell(line, "avatar_url"),
        cell(line, "status"),
        createsTeams);
  }

  private static @Nullable String cell(Record line, String column) {
    return line.field(column) == null ? null : storable(Objects.toString(line.get(column), ""));
  }

  /** The one character that PostgreSQL has in no text. */
  private static String storable(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new InvalidPerson("There is a control character in \"" + text.strip() + "\".");
    }
    return text;
  }

  private static @Nullable UUID uuid(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return null;
    }
    try {
      return UUID.fromString(text.strip());
    } catch (IllegalArgumentException e) {
      throw new InvalidPerson("The id is no UUID: \"" + text.strip() + "\".");
    }
  }

  /** The database's no, in its words. */
  private static <T extends @Nullable Object> T told(Supplier<T> change) {
    try {
      return change.get();
    } catch (DataAccessException e) {
      ServerErrorMessage server =
          e.getCause() instanceof PSQLException postgres ? postgres.getServerErrorMessage() : null;
      if (server == null || !String.valueOf(server.getSQLState()).startsWith("PT4")) {
        throw e;
      }
      throw new InvalidPerson(
          server.getHint() == null
              ? String.valueOf(server.getMessage())
              : server.getMessage() + " " + server.getHint());
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException("The connection could not be closed", e);
    }
  }
}
