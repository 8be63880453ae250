package com.gptdesk.chat.policies;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The people and data of the matrix, created in the open transaction of the owner. {@code
 * db/policies.md} describes them.
 *
 * <p>People are created where {@code public.users} has known columns only. Where it requires
 * others, seven unrelated people are borrowed: they get a team and a status until the rollback.
 */
final class PolicyScene {

  private static final Pattern NAME = Pattern.compile("(?<![:\\w]):([a-z_]+)");
  private static final List<String> CAST =
      List.of("alice", "bob", "carol", "dave", "erin", "ivan", "mallory");
  private static final List<String> INITIALS = List.of("a0", "b0", "c0", "d0", "e0", "f0", "f1");
  private static final int CANDIDATES = 1000;

  private final Connection owner;
  private final Map<String, String> names = new LinkedHashMap<>();

  private PolicyScene(Connection owner) {
    this.owner = owner;
  }

  /**
   * Creates the scene.
   *
   * @throws IllegalStateException there are too few people to borrow, or the owner may not change
   *     them
   * @throws SQLException the chat's own functions failed, so the database differs from the
   *     migrations
   */
  static PolicyScene make(Connection owner) throws SQLException {
    PolicyScene scene = new PolicyScene(owner);
    if (!scene.makePeople()) {
      scene.borrowPeople();
    }
    scene.play();
    return scene;
  }

  /** The statement with the scene's names replaced, and {@code :me} by that persona. */
  String spell(String statement, Persona persona) {
    return NAME.matcher(statement)
        .replaceAll(
            match -> {
              String name = match.group(1);
              if (name.equals("me")) {
                return persona.who() == null ? "null::uuid" : value(persona.who());
              }
              return value(name);
            });
  }

  /** The same for a request: in its address as they are, in its body as JSON. */
  String spellRequest(String request, Persona persona) {
    int body = request.indexOf(" {");
    String address = body < 0 ? request : request.substring(0, body);
    return spell(address, persona).replace("'", "").replace("::uuid", "")
        + (body < 0
            ? ""
            : spell(request.substring(body), persona).replace("'", "\"").replace("::uuid", ""));
  }

  /** The claims of that persona's token. */
  String claims(Persona persona) {
    return persona.claims(persona.who() == null ? "" : bare(persona.who()), bare("blue"));
  }

  private String value(String name) {
    String value = names.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "The matrix names :" + name + ", which is not in its scene");
    }
    return value;
  }

  private String bare(String name) {
    return value(name).substring(1, 37);
  }

  private void name(String name, UUID id) {
    names.put(name, "'" + id + "'::uuid");
  }

  /** False when this {@code public.users} requires unknown columns. */
  private boolean makePeople() throws SQLException {
    Savepoint before = owner.setSavepoint();
    List<UUID> ids = INITIALS.stream().map(PolicyScene::idThatIsAWord).toList();
    UUID blue = UUID.randomUUID();
    UUID red = UUID.randomUUID();
    try {
      update("insert into public.teams (id, name) values (?, 'Blue'), (?, 'Red')", blue, red);
      for (int i = 0; i < CAST.size(); i++) {
        update(
            "insert into public.users (id, full_name, email, status, team_id)"
                + " values (?, ?, ?, 'active', ?)",
            ids.get(i),
            CAST.get(i),
            ids.get(i) + "@example.org",
            blue);
      }
    } catch (SQLException theirOwnTable) {
      owner.rollback(before);
      return false;
    }
    christen(ids, blue, red);
    names.put("inactive", "'inactive'");
    return true;
  }

  /** An id that text search treats as one word, since each part starts with a letter. */
  private static UUID idThatIsAWord(String initials) {
    String random = UUID.randomUUID().toString();
    return UUID.fromString(
        initials
            + random.substring(2, 9)
            + "a"
            + random.substring(10, 14)
            + "a"
            + random.substring(15, 19)
            + "a"
            + random.substring(20, 24)
            + "a"
            + random.substring(25));
  }

  private void borrowPeople() throws SQLException {
    List<UUID> teams = ids("select id from public.teams order by id limit 2");
    List<UUID> chosen = new ArrayList<>();
    for (UUID candidate :
        ids("select id from public.users order by random() limit " + CANDIDATES)) {
      if (chosen.size() < CAST.size() && hasNothingWith(candidate, chosen)) {
        chosen.add(candidate);
      }
    }
    if (teams.size() < 2 || chosen.size() < CAST.size()) {
      throw new IllegalStateException(
          ("The matrix needs 2 teams, and %d people without a conversation or block among them; it cannot"
                  + " make them in this public.users, and found %d and %d there. Add some, or"
                  + " verify a copy of the database.")
              .formatted(CAST.size(), teams.size(), chosen.size()));
    }
    names.put(
        "inactive",
        "'"
            + text(
                "select coalesce((select min(u.status::text) from public.users u"
                    + " where u.status::text <> 'active'), 'inactive')")
            + "'");
    christen(chosen, teams.get(0), teams.get(1));
    for (UUID person : chosen) {
      movePerson("set team_id = " + value("blue") + ", status = 'active'", person);
    }
    update("delete from public.user_presence where user_id = any (?)", uuids(chosen));
  }

  /** Alice's id is smaller than Bob's, so Bob is the second participant. */
  private void christen(List<UUID> people, UUID blue, UUID red) {
    List<UUID> sorted = new ArrayList<>(people);
    sorted.sort((a, b) -> a.toString().compareTo(b.toString()));
    for (int i = 0; i < CAST.size(); i++) {
      name(CAST.get(i), sorted.get(i));
    }
    name("blue", blue);
    name("red", red);
  }

  private boolean hasNothingWith(UUID candidate, List<UUID> others) throws SQLException {
    return ids(
            "select c.id from public.user_conversations c where ? in (c.participant_1_id,"
                + " c.participant_2_id) and (c.participant_1_id = any (?) or c.participant_2_id = any (?))"
                + " union all select b.blocker_id from public.user_blocks b where ? in (b.blocker_id,"
                + " b.blocked_id) and (b.blocker_id = any (?) or b.blocked_id = any (?))",
            candidate,
            uuids(others),
            uuids(others),
            candidate,
            uuids(others),
            uuids(others))
        .isEmpty();
  }

  private void movePerson(String change, UUID person) throws SQLException {
    try {
      update("update public.users " + change + " where id = ?", person);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "To verify the policies, the owner must be able to change team_id and status of"
              + " public.users (it is rolled back). The error was: "
              + e.getMessage());
    }
  }

  private void play() throws SQLException {
    name("conversation", talk("alice", "bob"));
    name("message", send("alice", "conversation", "hello"));
    name("reply", send("bob", "conversation", "hello back"));
    name("deleted", send("alice", "conversation", "hello, never mind"));
    as("alice", "select public.delete_message(:deleted)");
    // Carol's id in a text, which a search for Carol's words must not find.
    name("last", send("alice", "conversation", "hello " + bare("carol")));
    as("alice", "select public.edit_message(:message, 'hello there')");
    as("bob", "select public.mark_as_read(array[:message])");
    as("bob", "select public.add_reaction(:message, '❤️')");
    as("alice", "select public.set_muted(:conversation, '2999-01-01')");

    for (String other : List.of("dave", "erin", "ivan")) {
      name("with_" + other, talk("alice", other));
      name(other + "s_message", send(other, "with_" + other, "hello Alice"));
      as(other, "select public.edit_message(:" + other + "s_message, 'hello again')");
      as(other, "select public.add_reaction(:" + other + "s_message, '❤️')");
      as(other, "select public.set_muted(:with_" + other + ", '2999-01-01')");
    }
    name("file", file("alice", "bob", "conversation", "alice.txt", "stored"));
    update(
        "update public.chat_files set message_id = ? where id = ?",
        UUID.fromString(bare("last")),
        file("alice", "bob", "conversation", "sent.txt", "stored"));
    name("held_file", file("alice", "bob", "conversation", "held.txt", "held"));
    name("alices_upload", file("alice", "bob", "conversation", "later.txt", "uploading"));
    name("upload", file("bob", "alice", "conversation", "alice.txt", "uploading"));
    name("erins_upload", file("erin", "alice", "with_erin", "later.txt", "uploading"));
    for (String other : List.of("dave", "erin", "ivan")) {
      name(other + "s_file", file(other, "alice", "with_" + other, other + ".txt", "stored"));
    }

    playDevices();

    as("ivan", "select public.block_user(:carol)");
    as("alice", "select public.block_user(:erin)");
    as("bob", "select public.block_user(:erin)");
    as("bob", "select public.block_user(:dave)");

    // All but Carol have set their presence.
    for (String person : List.of("alice", "bob", "dave", "erin", "ivan", "mallory")) {
      as(person, "select public.update_presence('online', '/page')");
    }
    as("alice", "select public.update_typing_status(:bob)");

    movePerson("set status = " + value("inactive"), UUID.fromString(bare("ivan")));
    for (String gone : List.of("dave", "mallory")) {
      movePerson("set team_id = " + value("red"), UUID.fromString(bare(gone)));
    }
    names.put(
        "partition",
        text(
            spell(
                "select m.tableoid::regclass from public.user_messages m where m.id = :message")));
    names.put("conversations", list("conversation", "with_dave", "with_erin", "with_ivan"));
    names.put("people", list(CAST.toArray(String[]::new)));
    as("nobody", "select 1");
  }

  /** Devices, and notices that wait for them. */
  private void playDevices() throws SQLException {
    update(
        "update chat.settings set push_public_key = repeat('k', 87), push_hosts = '{push.example}',"
            + " max_push_subscriptions = 10, max_push_endpoint_length = 1000");
    for (String person : List.of("alice", "bob", "carol", "ivan")) {
      name(
          person + "s_device",
          ids(spell(
                  ("insert into public.push_subscriptions (user_id, endpoint, p256dh, auth)"
                          + " values (:%s, concat('https://push.example/', gen_random_uuid()),"
                          + " decode(concat('04', repeat('00', 64)), 'hex'),"
                          + " decode(repeat('00', 16), 'hex')) returning id")
                      .formatted(person)))
              .getFirst());
    }
    names.put(
        "alices_endpoint",
        "'"
            + text(
                spell("select endpoint from public.push_subscriptions where id = :alices_device"))
            + "'");
    notice("bob", "conversation", "last");
    notice("carol", "conversation", "last");
    notice("alice", "with_dave", "daves_message");
    notice("alice", "with_erin", "erins_message");
  }

  private void notice(String person, String conversation, String message) throws SQLException {
    update(
        spell(
            ("insert into chat.push_notices (subscription_id, conversation_id, message_id, message_seq, due_at)"
                    + " select :%1$ss_device, :%2$s, m.id, m.seq, now() from public.user_messages m where m.id = :%3$s")
                .formatted(person, conversation, message)));
  }

  private String list(String... some) {
    return String.join(", ", java.util.Arrays.stream(some).map(this::value).toList());
  }

  private UUID talk(String one, String other) throws SQLException {
    return UUID.fromString(
        as(one, "select public.get_or_create_conversation(:%s, :%s)".formatted(one, other)));
  }

  private UUID send(String sender, String conversation, String content) throws SQLException {
    return UUID.fromString(
        as(sender, "select (public.send_message(:%s, '%s')).id".formatted(conversation, content)));
  }

  /** Of one byte; not uploaded, as the operator's limits may be narrow. */
  private UUID file(
      String uploader, String recipient, String conversation, String name, String state)
      throws SQLException {
    return ids(spell(
            ("insert into public.chat_files (conversation_id, uploader_id, recipient_id, name,"
                    + " state, size, content_type, sha256) values (:%s, :%s, :%s, '%s', '%s',"
                    + " 1, 'text/plain', sha256('1')) returning id")
                .formatted(conversation, uploader, recipient, name, state)))
        .getFirst();
  }

  /** Calls a function as the owner with that persona's claims; returns the first value as text. */
  private String as(String person, String statement) throws SQLException {
    String claims = names.containsKey(person) ? "{\"sub\":\"" + bare(person) + "\"}" : "";
    text("select set_config('request.jwt.claims', ?, true)", claims);
    return text(spell(statement));
  }

  private String spell(String statement) {
    return spell(statement, Persona.NOBODY);
  }

  private void update(String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = prepare(sql, values)) {
      statement.executeUpdate();
    }
  }

  private String text(String sql, @Nullable Object... values) throws SQLException {
    try (PreparedStatement statement = prepare(sql, values);
        ResultSet result = statement.executeQuery()) {
      result.next();
      return String.valueOf(result.getString(1));
    }
  }

  private List<UUID> ids(String sql, @Nullable Object... values) throws SQLException {
    List<UUID> ids = new ArrayList<>();
    try (PreparedStatement statement = prepare(sql, values);
        ResultSet result = statement.executeQuery()) {
      while (result.next()) {
        ids.add(result.getObject(1, UUID.class));
      }
    }
    return ids;
  }

  private PreparedStatement prepare(String sql, @Nullable Object... values) throws SQLException {
    PreparedStatement statement = owner.prepareStatement(sql);
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
    return statement;
  }

  private Array uuids(List<UUID> ids) throws SQLException {
    return owner.createArrayOf("uuid", ids.toArray());
  }
}
