package com.gptdesk.chat.service.server;

import static com.gptdesk.chat.jooq.Tables.TEAMS;
import static com.gptdesk.chat.jooq.Tables.USERS;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jooq.Records;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The demo's sign-in: lists the made-up people, and gives a token for each. Exists only with {@code
 * --demo}, on the embedded database.
 */
public final class DemoEndpoints {
  private static final Duration TOKEN_LIFE = Duration.ofHours(12);
  private static final JsonMapper JSON = new JsonMapper();

  /** A person of the demo. */
  record Person(UUID id, String fullName, UUID teamId, String teamName) {}

  private final Supplier<List<Person>> people;
  private final TokenIssuer tokens;
  private final String anonKey;

  public DemoEndpoints(ChatDatabase database, TokenIssuer tokens, String anonKey) {
    this(() -> peopleIn(database), tokens, anonKey);
  }

  /**
   * @param people reads the people; may block
   */
  DemoEndpoints(Supplier<List<Person>> people, TokenIssuer tokens, String anonKey) {
    this.people = people;
    this.tokens = tokens;
    this.anonKey = anonKey;
  }

  /** {@code {"anon_key", "users": [{"id", "full_name", "team_id", "team_name"}]}}. */
  Reply users() {
    ObjectNode body = JSON.createObjectNode();
    body.put("anon_key", anonKey);
    ArrayNode users = body.putArray("users");
    for (Person person : people.get()) {
      users
          .addObject()
          .put("id", person.id().toString())
          .put("full_name", person.fullName())
          .put("team_id", person.teamId().toString())
          .put("team_name", person.teamName());
    }
    return Reply.json(200, JSON.writeValueAsString(body));
  }

  /** {@code {"user_id"}} → {@code {"token"}}; 404 for an unknown person. */
  Reply token(byte[] body) {
    UUID userId = userId(body);
    if (userId == null) {
      return Problem.of(400, "PGRST102", "Empty or invalid json")
          .withHint("Send {\"user_id\": \"<uuid>\"}, one of GET /demo/users")
          .reply();
    }
    if (people.get().stream().noneMatch(person -> person.id().equals(userId))) {
      return Problem.of(404, "PT404", "Nobody of the demo has this id")
          .withHint("GET /demo/users lists the people")
          .reply();
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.put("token", tokens.forUser(userId, TOKEN_LIFE));
    return Reply.json(200, JSON.writeValueAsString(answer));
  }

  private static List<Person> peopleIn(ChatDatabase database) {
    return database.reading(
        Caller.service(),
        tx ->
            tx.select(USERS.ID, USERS.FULL_NAME, TEAMS.ID, TEAMS.NAME)
                .from(USERS)
                .join(TEAMS)
                .on(TEAMS.ID.eq(USERS.TEAM_ID))
                .where(USERS.STATUS.eq("active"))
                .orderBy(TEAMS.NAME, USERS.FULL_NAME)
                .fetch(Records.mapping(Person::new)));
  }

  private static @Nullable UUID userId(byte[] body) {
    try {
      JsonNode id = JSON.readTree(body).path("user_id");
      return id.isString() ? UUID.fromString(id.stringValue()) : null;
    } catch (JacksonException | IllegalArgumentException e) {
      return null;
    }
  }
}
