package com.gptdesk.chat.service.people;

import static com.gptdesk.chat.jooq.Tables.TEAMS;
import static com.gptdesk.chat.jooq.Tables.USERS;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.people.PersonGiven.Column;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The teams and people of the standalone platform, as its owner changes them. On an existing
 * platform they are not the chat's, and each change is refused.
 */
public final class People implements AutoCloseable {
  private static final String ADVISORY_LOCK = "select pg_advisory_xact_lock(hashtext('people'))";
  private static final Set<String> KNOWN =
      Set.of("id", "email", "full_name", "team", "avatar_url", "status");

  private final Connection connection;
  private final DSLContext owner;

  /** What a file of people changed. */
  public record Imported(int added, int changed, int unchanged) {}

  private enum Outcome {
    ADDED,
    CHANGED,
    UNCHANGED
  }

  private record Stored(UUID id, Outcome outcome) {}

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
    if (owner.fetchValue("select to_regclass('chat.settings')") == null) {
      throw new IllegalStateException(
          "The chat is not in this database yet: run the command migrate first.");
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
    return inOneTransaction(
        tx -> {
          String stripped = name.strip();
          if (stripped.isEmpty()) {
            throw new InvalidPerson("The name of the team is empty.");
          }
          UUID known = teamOf(tx, stripped);
          return known != null ? known : addTeam(tx, stripped);
        });
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
    Map<Column, @Nullable String> texts = new EnumMap<>(Column.class);
    texts.put(Column.FULL_NAME, fullName);
    texts.put(Column.TEAM, team);
    texts.put(Column.AVATAR_URL, avatarUrl);
    PersonGiven given = PersonGiven.of(id, email, texts);
    return inOneTransaction(tx -> store(tx, given, false).id());
  }

  /**
   * Lets a person use the chat, or no longer. What they wrote stays.
   *
   * @param who their e-mail address or id
   * @return whether this changed anything
   * @throws InvalidPerson nobody has this address or id
   */
  public boolean activate(String who, boolean active) {
    String status = active ? "active" : "inactive";
    return inOneTransaction(
        tx ->
            tx.update(USERS)
                    .set(USERS.STATUS, status)
                    .where(USERS.ID.eq(require(tx, who)))
                    .and(USERS.STATUS.ne(status))
                    .execute()
                > 0);
  }

  /**
   * The id of an active person.
   *
   * @param who their e-mail address or id
   * @throws InvalidPerson nobody has this address or id, or they are not active
   */
  public UUID active(String who) {
    UUID id = require(owner, who);
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
    return inOneTransaction(
        tx -> {
          Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
          List<String> problems = new ArrayList<>();
          Map<UUID, Integer> seen = new HashMap<>();
          int number = 0;
          for (Record line : lines) {
            number++;
            try {
              Stored stored = store(tx, given(line), createsTeams);
              Integer before = seen.putIfAbsent(stored.id(), number);
              if (before != null) {
                throw new InvalidPerson("the same person as entry " + before);
              }
              outcomes.merge(stored.outcome(), 1, Integer::sum);
            } catch (InvalidPerson e) {
              problems.add("Entry %d: %s".formatted(number, e.getMessage()));
            }
          }
          if (!problems.isEmpty()) {
            throw new InvalidPerson(
                "Nothing was stored.%n%s".formatted(String.join(System.lineSeparator(), problems)));
          }
          return new Imported(
              outcomes.getOrDefault(Outcome.ADDED, 0),
              outcomes.getOrDefault(Outcome.CHANGED, 0),
              outcomes.getOrDefault(Outcome.UNCHANGED, 0));
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

  private static PersonGiven given(Record line) {
    Map<Column, @Nullable String> texts = new EnumMap<>(Column.class);
    for (Column column : Column.values()) {
      texts.put(column, cell(line, column.name().toLowerCase(Locale.ROOT)));
    }
    return PersonGiven.of(cell(line, "id"), cell(line, "email"), texts);
  }

  private static @Nullable String cell(Record line, String column) {
    return line.field(column) == null ? null : Objects.toString(line.get(column), "");
  }

  private static Stored store(DSLContext tx, PersonGiven given, boolean createsTeams) {
    Map<Field<?>, @Nullable Object> values = new LinkedHashMap<>();
    values.put(USERS.EMAIL, given.email());
    given
        .told()
        .forEach(
            (column, text) -> {
              switch (column) {
                case FULL_NAME -> values.put(USERS.FULL_NAME, text);
                case TEAM -> values.put(USERS.TEAM_ID, teamGiven(tx, text, createsTeams));
                case AVATAR_URL -> values.put(USERS.AVATAR_URL, text.isEmpty() ? null : text);
                case STATUS -> values.put(USERS.STATUS, text);
              }
            });
    UUID byAddress = find(tx, USERS.EMAIL.equalIgnoreCase(given.email()), given.email());
    UUID byId = given.id() == null ? null : find(tx, USERS.ID.eq(given.id()), given.email());
    if (byAddress != null && given.id() != null && !byAddress.equals(given.id())) {
      throw new InvalidPerson(
          "%s is the address of %s already".formatted(given.email(), byAddress));
    }
    UUID known = byId != null ? byId : byAddress;
    if (known == null) {
      if (!values.containsKey(USERS.FULL_NAME)) {
        throw new InvalidPerson("%s is new, so tell the full name".formatted(given.email()));
      }
      UUID id = given.id() == null ? UUID.randomUUID() : given.id();
      values.put(USERS.ID, id);
      tx.insertInto(USERS).set(values).execute();
      return new Stored(id, Outcome.ADDED);
    }
    int changed =
        tx.update(USERS)
            .set(values)
            .where(USERS.ID.eq(known))
            .and(
                values.entrySet().stream().map(People::differs).reduce(Condition::or).orElseThrow())
            .execute();
    return new Stored(known, changed > 0 ? Outcome.CHANGED : Outcome.UNCHANGED);
  }

  @SuppressWarnings("unchecked") // of the column's own type
  private static Condition differs(Map.Entry<Field<?>, @Nullable Object> value) {
    return ((Field<Object>) value.getKey()).isDistinctFrom(value.getValue());
  }

  private static @Nullable UUID teamGiven(DSLContext tx, String team, boolean creates) {
    if (team.isEmpty()) {
      return null;
    }
    UUID known = teamOf(tx, team);
    if (known == null && !creates) {
      throw new InvalidPerson(
          "there is no team \"%s\": the command add-team adds it".formatted(team));
    }
    return known == null ? addTeam(tx, team) : known;
  }

  private static @Nullable UUID teamOf(DSLContext tx, String nameOrId) {
    List<UUID> found =
        tx.select(TEAMS.ID)
            .from(TEAMS)
            .where(TEAMS.NAME.eq(nameOrId).or(TEAMS.ID.cast(String.class).eq(nameOrId)))
            .fetch(TEAMS.ID);
    if (found.size() > 1) {
      throw new InvalidPerson(
          "%d teams have the name \"%s\": give the id".formatted(found.size(), nameOrId));
    }
    return found.isEmpty() ? null : found.getFirst();
  }

  private static UUID addTeam(DSLContext tx, String name) {
    UUID id = UUID.randomUUID();
    tx.insertInto(TEAMS).set(TEAMS.ID, id).set(TEAMS.NAME, name).execute();
    return id;
  }

  private static UUID require(DSLContext tx, String who) {
    UUID id =
        find(
            tx,
            USERS
                .EMAIL
                .equalIgnoreCase(who.strip())
                .or(USERS.ID.cast(String.class).eq(who.strip())),
            who);
    if (id == null) {
      throw new InvalidPerson("Nobody has the e-mail address or id \"%s\".".formatted(who));
    }
    return id;
  }

  private static @Nullable UUID find(DSLContext tx, Condition condition, String who) {
    List<UUID> found = tx.select(USERS.ID).from(USERS).where(condition).limit(2).fetch(USERS.ID);
    if (found.size() > 1) {
      throw new InvalidPerson("several people have the address \"%s\": give the id".formatted(who));
    }
    return found.isEmpty() ? null : found.getFirst();
  }

  /** One such change at a time, so that two do not add the same team or person. */
  private <T> T inOneTransaction(Function<DSLContext, T> change) {
    return owner.transactionResult(
        transaction -> {
          transaction.dsl().execute(ADVISORY_LOCK);
          return change.apply(transaction.dsl());
        });
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
