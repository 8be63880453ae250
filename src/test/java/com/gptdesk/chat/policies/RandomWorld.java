package com.gptdesk.chat.policies;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Teams and people who come and go, talk, type and block, and an owner who changes rows by hand:
 * all decided by a seed, so that what happened once happens again. Half of the new ids are those of
 * something of another kind, where that is possible.
 */
final class RandomWorld implements World {

  private final Connection owner;
  private final Random random;
  private final List<UUID> teams = new ArrayList<>();
  private final List<UUID> people = new ArrayList<>();
  private final List<UUID> conversations = new ArrayList<>();
  private final List<UUID> messages = new ArrayList<>();
  private int born;

  RandomWorld(Connection owner, long seed) throws SQLException {
    this.owner = owner;
    this.random = new Random(seed);
    for (int i = 0; i < 2; i++) {
      run(newTeam());
    }
    for (int i = 0; i < 7; i++) {
      run(newPerson());
    }
    for (UUID person : people) {
      as(person, call("get_or_create_conversation('%s', %s)", person, somebodyNear(person)));
    }
  }

  @Override
  public List<UUID> people() {
    return people;
  }

  @Override
  public String step() throws SQLException {
    @Nullable UUID who = null;
    String what;
    int kind = random.nextInt(100);
    if (kind < 76) {
      who = anybody();
      what = byFunction(who);
    } else if (kind < 86) {
      what = ofPeople();
    } else {
      what = byHand();
    }
    String outcome = as(who, what);
    return "%s%s%s".formatted(who == null ? "the owner" : who, ": " + what, outcome);
  }

  private String byFunction(UUID me) {
    return switch (random.nextInt(20)) {
      case 0, 1 -> call("get_or_create_conversation('%s', %s)", me, somebodyNear(me));
      case 2, 3, 4, 5, 6 ->
          call("send_message((%s), 'word %s')", conversationOf(me), random.nextInt(9));
      case 7 -> call("edit_message((%s), 'word %s')", messageOf(me), random.nextInt(9));
      case 8 -> call("delete_message((%s))", messageOf(me));
      case 9 -> call("mark_as_read(array(%s))", messageOf(me));
      case 10 -> call("mark_conversation_as_read((%s))", conversationOf(me));
      case 11, 12 -> call("add_reaction((%s), ':r%s:')", messageOf(me), random.nextInt(3));
      case 13 -> call("remove_reaction((%s), ':r%s:')", messageOf(me), random.nextInt(3));
      case 14 -> call("set_archived((%s), %s)", conversationOf(me), random.nextBoolean());
      case 15 -> call("set_muted((%s), now() + '%s h')", conversationOf(me), random.nextInt(9));
      case 16 ->
          call((random.nextInt(3) == 0 ? "block_user" : "unblock_user") + "(%s)", somebodyNear(me));
      case 17 -> call("update_presence('%s', '/page')", status());
      default ->
          random.nextInt(4) == 0
              ? call("update_typing_status(null)")
              : call("update_typing_status((%s))", partnerOf(me));
    };
  }

  private String ofPeople() {
    UUID somebody = anybody();
    return switch (random.nextInt(9)) {
      case 0 -> newPerson();
      case 1, 2 ->
          "update public.users set team_id = %s where id = '%s'".formatted(team(), somebody);
      case 3 ->
          "update public.users set team_id = %s where id in ('%s', '%s')"
              .formatted(team(), somebody, anybody());
      case 4 -> "update public.users set status = 'inactive' where id = '%s'".formatted(somebody);
      case 5, 6 -> "update public.users set status = 'active' where id = '%s'".formatted(somebody);
      case 7 ->
          random.nextBoolean()
              ? "delete from public.users where id = '%s'".formatted(somebody)
              : "update public.users set full_name = full_name where id = '%s'".formatted(somebody);
      default ->
          random.nextInt(3) == 0 ? "delete from public.teams where id = " + team() : newTeam();
    };
  }

  private String byHand() {
    UUID somebody = anybody();
    return switch (random.nextInt(20)) {
      case 0 ->
          "insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by)"
              + " values ('%3$s', least('%1$s'::uuid, '%2$s'), greatest('%1$s'::uuid, '%2$s'), '%1$s')"
                  .formatted(somebody, anybody(), newId(conversations));
      case 1 ->
          "update public.user_conversations set is_archived = not is_archived where id = ("
              + any("user_conversations", "id")
              + ")";
      case 2 ->
          "delete from public.user_conversations where id = ("
              + any("user_conversations", "id")
              + ")";
      case 3 ->
          "insert into public.user_messages (id, conversation_id, sender_id, content) select '"
              + newId(messages)
              + "', id, participant_1_id, 'by hand' from public.user_conversations where id = ("
              + any("user_conversations", "id")
              + ")";
      case 4 ->
          "update public.user_messages set content = 'by hand' where id = ("
              + any("user_messages", "id")
              + ")";
      case 5 ->
          "update public.user_messages set metadata = '{\"by\": \"hand\"}' where conversation_id = ("
              + any("user_conversations", "id")
              + ")";
      case 6 -> "delete from public.user_messages where id = (" + any("user_messages", "id") + ")";
      case 7 ->
          "update public.message_reactions set reaction = 'by-hand' where id = ("
              + any("message_reactions", "id")
              + ")";
      case 8 ->
          "delete from public.message_reactions where message_id = ("
              + any("message_reactions", "message_id")
              + ")";
      case 9 ->
          "update public.conversation_preferences set muted_until = now() where user_id = '"
              + somebody
              + "'";
      case 10 -> "delete from public.conversation_preferences where user_id = '" + somebody + "'";
      case 11 ->
          "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
              .formatted(somebody, anybody());
      case 12 -> "delete from public.user_blocks where blocker_id = '" + somebody + "'";
      case 13 ->
          "update public.user_presence set status = '"
              + status()
              + "' where user_id = '"
              + somebody
              + "'";
      case 14 ->
          "update public.user_presence set is_typing_to = '%s' where user_id = '%s'"
              .formatted(anybody(), somebody);
      // Not the team: that column is the triggers' alone.
      case 15 ->
          "update public.user_presence set current_page = '/elsewhere' where user_id = '%s'"
              .formatted(somebody);
      case 16 -> "delete from public.user_presence where user_id = '" + somebody + "'";
      case 17 -> "update public.user_presence set status = '" + status() + "'";
      case 18 ->
          "update public.user_messages set sender_id = '%1$s' where id = (select m.id from public.user_messages m where m.recipient_id <> '%1$s' order by m.id limit 1)"
              .formatted(somebody);
      default ->
          "update public.user_conversations set participant_2_id = '%1$s' where id = (select c.id from public.user_conversations c where c.participant_1_id < '%1$s' and c.created_by <> c.participant_2_id order by c.participant_1_id, c.participant_2_id limit 1)"
              .formatted(somebody);
    };
  }

  private String newTeam() {
    UUID team = newId(teams);
    return "insert into public.teams (id, name) values ('%s', 'Team %d')".formatted(team, ++born);
  }

  private String newPerson() {
    UUID person = newId(people);
    return "insert into public.users (id, full_name, email, team_id) values ('%1$s', 'Person %2$d', '%1$s@example.org', %3$s)"
        .formatted(person, ++born, team());
  }

  private static String call(String function, Object... arguments) {
    return "select public." + function.formatted(arguments);
  }

  /** A teammate where there is one, else anybody. */
  private String somebodyNear(UUID person) {
    return "coalesce((select u.id from public.users u where u.id <> '%1$s' and u.team_id = chat.my_team() order by u.id offset %2$d limit 1), '%3$s')"
        .formatted(person, random.nextInt(3), anybody());
  }

  private String conversationOf(UUID person) {
    return "select c.id from public.user_conversations c where '%s' in (c.participant_1_id, c.participant_2_id) order by c.participant_1_id, c.participant_2_id offset %d limit 1"
        .formatted(person, random.nextInt(3));
  }

  private String partnerOf(UUID person) {
    return "select case '%1$s' when c.participant_1_id then c.participant_2_id else c.participant_1_id end from public.user_conversations c where '%1$s' in (c.participant_1_id, c.participant_2_id) order by c.participant_1_id, c.participant_2_id offset %2$d limit 1"
        .formatted(person, random.nextInt(3));
  }

  private String messageOf(UUID person) {
    return "select m.id from public.user_messages m where '%s' in (m.sender_id, m.recipient_id) order by m.created_at desc, m.id offset %d limit 1"
        .formatted(person, random.nextInt(4));
  }

  private String any(String table, String column) {
    // Not by a key that the database makes up: the seed decides.
    String order =
        switch (table) {
          case "user_conversations" -> "participant_1_id, participant_2_id";
          case "message_reactions" -> "message_id, user_id, reaction";
          default -> "id";
        };
    return "select x.%s from public.%s x order by %s offset %d limit 1"
        .formatted(column, table, order, random.nextInt(6));
  }

  private String status() {
    return List.of("online", "away", "busy", "offline").get(random.nextInt(4));
  }

  /** Some team, or none. */
  private String team() {
    return random.nextInt(12) == 0 ? "null" : "'" + teams.get(random.nextInt(teams.size())) + "'";
  }

  private UUID anybody() {
    return people.get(random.nextInt(people.size()));
  }

  /** An id that none of its kind has yet. */
  private UUID newId(List<UUID> kind) {
    List<UUID> others =
        Stream.of(teams, people, conversations, messages)
            .flatMap(List::stream)
            .distinct()
            .filter(id -> !kind.contains(id))
            .toList();
    UUID id =
        others.isEmpty() || random.nextBoolean()
            ? uuid7()
            : others.get(random.nextInt(others.size()));
    kind.add(id);
    return id;
  }

  /** As a message's id has to be, of now. */
  private UUID uuid7() {
    return new UUID(
        System.currentTimeMillis() << 16 | 0x7000 | random.nextInt(0x1000),
        random.nextLong() >>> 2 | Long.MIN_VALUE);
  }

  private String as(@Nullable UUID person, String sql) throws SQLException {
    return World.act(owner, person, sql);
  }

  private void run(String sql) throws SQLException {
    String refused = as(null, sql);
    if (!refused.isEmpty()) {
      throw new IllegalStateException(sql + refused);
    }
  }
}
