package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.udt.records.ConversationViewRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jooq.exception.DataAccessException;
import org.junit.jupiter.api.AfterEach;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the tests of the rules share: a database, the cast, and two ways to look: a table of what
 * comes of a statement for {@link #everybody}, and what the change log {@link #logged}.
 */
abstract class Rules {

  private static final String NODE = "00000000-0000-7000-8000-0000000000ff";

  private static final JsonMapper JSON = new JsonMapper();

  /** Writes values as the database does. */
  private static final JsonMapper COLUMNS =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  static final UUID NOBODY = UUID.fromString("00000000-0000-4000-8000-000000000000");

  /** Puts the cast back as {@link TestDatabase} made them, and nothing else. */
  private static final String AS_AT_FIRST =
      """
      delete from public.user_conversations;
      delete from public.user_blocks;
      delete from public.user_presence;
      delete from chat.file_removals;
      delete from chat.upload_counts;
      delete from chat.log_readers;
      delete from chat.webhooks;
      delete from public.push_subscriptions;
      delete from public.users where id::text not like '00000000-0000-4000-8000-00000000000_';
      delete from public.teams where id not in ('%1$s', '%2$s');
      insert into public.teams (id, name) values ('%1$s', 'Blue'), ('%2$s', 'Red') on conflict do nothing;
      insert into public.users (id, full_name, email, status, team_id) values
        ('00000000-0000-4000-8000-00000000000a', 'Alice Adams', 'alice@example.org', 'active', '%1$s'),
        ('00000000-0000-4000-8000-00000000000b', 'Bob Brown', 'bob@example.org', 'active', '%1$s'),
        ('00000000-0000-4000-8000-00000000000c', 'Carol Clark', 'carol@example.org', 'active', '%1$s'),
        ('00000000-0000-4000-8000-00000000000d', 'Ivan Ivanov', 'ivan@example.org', 'inactive', '%1$s'),
        ('00000000-0000-4000-8000-00000000000e', 'Mallory Moore', 'mallory@example.org', 'active', '%2$s')
      on conflict (id) do update set
        full_name = excluded.full_name, status = excluded.status, team_id = excluded.team_id;
      update chat.settings set max_message_length = default, max_reactions = default, reaction_names = default, typing_timeout_ms = default,
        presence_timeout_ms = default, change_log_hours = default, change_log_max_mb = default, claims_secret = default, previous_claims_secret = default,
        max_file_bytes = default, max_files_a_day = default, max_file_bytes_a_day = default, file_types = default,
        unfinished_upload_hours = default, unsent_file_hours = default, push_public_key = default, push_hosts = default,
        max_push_subscriptions = default, max_push_endpoint_length = default, push_subscription_days = default;
      """
          .formatted(TestDatabase.BLUE, TestDatabase.RED);

  final TestDatabase database;
  final Person alice;
  final Person bob;
  final Person carol;
  final Person ivan;
  final Person mallory;
  final Person anon;
  final Person gptDesk;

  /** A token that verified, for somebody who is not there. */
  final Person stranger;

  /** The database of all rules, put back to how it was: making one takes longer than most tests. */
  Rules() {
    this(Shared.DATABASE);
    database.asOwner(AS_AT_FIRST);
  }

  /** With a database of one's own, for who changes more than rows. */
  Rules(TestDatabase database) {
    this.database = database;
    this.alice = database.alice();
    this.bob = database.bob();
    this.carol = database.carol();
    this.ivan = database.ivan();
    this.mallory = database.mallory();
    this.anon = database.anon();
    this.gptDesk = database.gptDesk();
    this.stranger = database.person("Stranger", NOBODY);
  }

  @AfterEach
  void close() {
    if (database != Shared.DATABASE) {
      database.close();
    }
  }

  /** Ends with the server. */
  private static final class Shared {
    static final TestDatabase DATABASE = TestDatabase.fresh();
  }

  /**
   * Runs a statement as each of the cast, each time rolled back, and compares what came of it: the
   * number of rows, or the SQLSTATE of the refusal.
   *
   * <ul>
   *   <li>Alice and Bob talk; Carol is of their team; Mallory of another; Ivan is not active.
   *   <li>Stranger has a good token, but is nobody; No one has a token without a name; Forger
   *       claims to be the service and Alice, in a token of Mallory's; Garbled has a name that is
   *       no id.
   *   <li>Anon has no token; the service is GPT Desk's back end; the relay carries changes.
   * </ul>
   *
   * @param expected a line each, in the order of the cast; who is left out is not asked
   */
  final void everybody(String sql, String expected) {
    StringBuilder actual = new StringBuilder();
    for (String line : expected.lines().toList()) {
      String name = line.substring(0, line.lastIndexOf(' ')).strip();
      Caller caller = cast().get(name);
      if (caller == null) {
        throw new IllegalArgumentException("Nobody is called " + name);
      }
      actual.append("%-8s %s%n".formatted(name, outcome(caller, sql)));
    }
    assertEquals(expected.strip(), actual.toString().strip(), sql);
  }

  private Map<String, Caller> cast() {
    Map<String, Caller> cast = new LinkedHashMap<>();
    for (Person person : List.of(alice, bob, carol, mallory, ivan)) {
      cast.put(person.toString(), person.caller());
    }
    cast.put("Stranger", stranger.caller());
    cast.put("No one", claiming("{\"role\":\"authenticated\"}"));
    cast.put(
        "Forger",
        claiming(
            "{\"sub\":\"%s\",\"role\":\"service_role\",\"user_id\":\"%s\",\"is_admin\":true}"
                .formatted(mallory.id(), alice.id())));
    cast.put("Garbled", claiming("{\"sub\":\"alice\",\"role\":\"authenticated\"}"));
    cast.put("Anon", anon.caller());
    cast.put("Service", gptDesk.caller());
    cast.put("Relay", ServiceDatabase.RELAY);
    return cast;
  }

  static Caller claiming(String claims) {
    return new Caller(Caller.Role.AUTHENTICATED, claims);
  }

  private String outcome(Caller caller, String sql) {
    try {
      database
          .chat()
          .as(
              caller,
              tx -> {
                int rows =
                    sql.startsWith("select") || sql.contains("returning")
                        ? tx.fetch(sql).size()
                        : tx.execute(sql);
                throw new Outcome(String.valueOf(rows));
              });
      throw new IllegalStateException("unreachable");
    } catch (Outcome e) {
      return e.getMessage();
    } catch (Refusal e) {
      return e.code();
    } catch (DataAccessException e) {
      return e.sqlState();
    }
  }

  /** Carries the number of rows out of the transaction, and so rolls it back. */
  private static final class Outcome extends RuntimeException {
    private static final long serialVersionUID = 1;

    Outcome(String rows) {
      super(rows, null, false, false);
    }
  }

  /** A file of Alice's to Bob, of one byte. */
  final UUID fileOfAlice(UUID conversation, String name, String state) {
    return UUID.fromString(
        database.ownerReads(
            """
            insert into public.chat_files (conversation_id, uploader_id, recipient_id, name, state, size, content_type, sha256)
            values ('%s', '%s', '%s', '%s', '%s', 1, 'text/plain', sha256('1'))
            returning id
            """
                .formatted(conversation, alice.id(), bob.id(), name, state)));
  }

  /** One call of everything that people and the relay are granted; Alice is the person. */
  final List<String> statements(UUID conversation, UUID message) {
    database.asOwner("delete from public.chat_files");
    fileOfAlice(conversation, "stored.txt", "stored");
    UUID upload = fileOfAlice(conversation, "on its way.txt", "uploading");
    return List.of(
        "select public.get_or_create_conversation('%s', '%s')".formatted(alice.id(), carol.id()),
        "select public.send_message('%s', 'hi')".formatted(conversation),
        "select public.send_message('%s', 'hi', id => chat.uuid7())".formatted(conversation),
        "select public.get_messages('%s')".formatted(conversation),
        "select public.get_messages('%s', after_seq => 0)".formatted(conversation),
        "select public.get_changes('%s', 0)".formatted(conversation),
        "select public.get_conversations()",
        "select public.edit_message('%s', 'ho')".formatted(message),
        "select public.add_reaction('%s', ':x:')".formatted(message),
        "select public.remove_reaction('%s', ':x:')".formatted(message),
        "select public.mark_as_read(array['%s']::pg_catalog.uuid[])".formatted(message),
        "select public.mark_conversation_as_read('%s', 1)".formatted(conversation),
        "select public.mark_as_unread('%s', 1)".formatted(conversation),
        "select public.mark_as_delivered(array['%s']::pg_catalog.uuid[], '{1}')"
            .formatted(conversation),
        "select public.get_unread_total()",
        "select public.search_users('')",
        "select public.search_messages('ho')",
        "select public.set_archived('%s', true)".formatted(conversation),
        "select public.set_muted('%s', 'infinity')".formatted(conversation),
        "select public.update_typing_status('%s')".formatted(bob.id()),
        "select public.update_presence('online', 'here')",
        "select public.block_user('%s')".formatted(carol.id()),
        "select public.get_blocked_users()",
        "select public.unblock_user('%s')".formatted(carol.id()),
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', 'plain')"
            .formatted(conversation, alice.id()),
        "update public.user_presence set status = 'busy'",
        "select public.begin_upload('%s', 'a.txt')".formatted(conversation),
        "select public.list_files('%s')".formatted(conversation),
        "select public.list_files()",
        "select public.move_file('%s', 'stored.txt', 'b.txt')".formatted(conversation),
        "select public.send_message('%1$s', '', 'file', file_url => '%1$s/b.txt')"
            .formatted(conversation),
        "select public.remove_files('%s', '{b.txt}')".formatted(conversation),
        "select public.delete_message('%s')".formatted(message),
        "select chat.me(), chat.my_team(), chat.require_active_user(), chat.checked_page_size(1),"
            + " chat.uuid7_time(chat.uuid7())",
        "select chat.claims_hold()",
        "select chat.demand_claims()",
        "select chat.visible_people(array['%s']::pg_catalog.uuid[])".formatted(bob.id()),
        "select chat.senders(array['%s']::pg_catalog.uuid[])".formatted(bob.id()),
        "select chat.may_talk_to('%s')".formatted(bob.id()),
        "select chat.people_hidden_from_me()",
        "select chat.reactions_of('%s')".formatted(message),
        "select chat.fold('hi'), chat.searched_text('hi')",
        "select chat.first_unread_seq('%s', '%s', 0)".formatted(conversation, alice.id()),
        "select chat.search_terms('hi', null, '%s', '%s')".formatted(alice.id(), bob.id()),
        "select chat.changed_messages('%s', 0, 10)".formatted(conversation),
        "select chat.touch_presence('{%s}')".formatted(alice.id()),
        "select chat.come_online('{%s}')".formatted(alice.id()),
        "select chat.go_offline('{%s}', 0)".formatted(alice.id()),
        "select chat.expire_presence()",
        "select chat.expire_typing()",
        "select chat.ensure_message_partitions(7)",
        "select chat.apply_retention()",
        "select chat.claim_upload('%s', pg_catalog.sha256('1'))".formatted(upload),
        "select chat.finish_upload('%s', 1, pg_catalog.sha256('1'), 'text/plain')"
            .formatted(upload),
        "select chat.abandon_upload('%s')".formatted(upload),
        "select chat.take_file_removals()",
        "select chat.finish_file_removals('{}')",
        "select chat.sweep_files()",
        "select removals_waiting from chat.file_figures()",
        "select chat.read_log('test')",
        "select chat.fill_webhook_events()",
        "select chat.take_webhook_events()",
        "select chat.finish_webhook_event(0)",
        "select chat.fail_webhook_event(0, '', null)",
        "select chat.drop_dead_letters(14)",
        "select chat.webhook_figures()",
        "select chat.set_push_key('%s', '{push.example}')".formatted("k".repeat(87)),
        "select public.add_push_subscription('https://push.example/a', 'B%s', '%s')"
            .formatted("A".repeat(86), "A".repeat(22)),
        "select public.get_push_subscriptions()",
        "select chat.queue_push_notices()",
        "select chat.take_push_notices('1 day')",
        "select chat.finish_push_notice('%1$s', '%1$s', 1, 'sent')".formatted(conversation),
        "select chat.sweep_push_subscriptions()",
        "select public.remove_push_subscription('https://push.example/a')",
        "select chat.set_push_key(null, '{}')",
        "select chat.message_partitions_ahead(), chat.notification_queue_usage()",
        "select relay.tail(o.epoch, o.snapshot, 100) from relay.open() o",
        "select relay.claim_slot()",
        "select relay.sleep(0)",
        "select relay.wake(0)",
        "select relay.lead()",
        "select relay.audience_of_person('%s')".formatted(alice.id()),
        "select relay.published_columns()",
        "select relay.maintain()",
        "select relay.log_state()",
        "select relay.audience_of_topic('conversation-%s')".formatted(conversation),
        "select relay.may_use_topic('conversation-%s', '%s')".formatted(conversation, alice.id()),
        "select relay.scopes_of('%s')".formatted(alice.id()),
        "select relay.topic_scopes('conversation-%s')".formatted(conversation),
        "select relay.send('conversation-%s', 'e', '{}', null, 'o', '%s')"
            .formatted(conversation, alice.id()),
        "select relay.touch_node('%s')".formatted(NODE),
        "select relay.track('o', '%s', 'conversation-%s', 'k', 'r', '%s', '{}')"
            .formatted(NODE, conversation, alice.id()),
        "select relay.presence_of('conversation-%s', '%s')".formatted(conversation, alice.id()),
        "select relay.untrack('{o}')",
        "select relay.track_again('%s', '[]')".formatted(NODE),
        "select relay.expire_nodes()",
        "select relay.forget_node('%s')".formatted(NODE));
  }

  // What the change log says.

  /** A row of the change log. Names stand for the ids of the cast and of the teams. */
  record Logged(
      String table, String operation, List<String> audiences, JsonNode row, JsonNode oldRow) {

    /** In short, for example {@code INSERT user_messages for Alice, Bob}. */
    @Override
    public String toString() {
      return "%s %s for %s".formatted(operation, table, String.join(", ", audiences));
    }
  }

  /** What this work writes to the change log, in its order. */
  final List<Logged> logged(Runnable work) {
    String before = database.ownerReads("select coalesce(max(seq), 0) from relay.change_log");
    work.run();
    List<Logged> rows = new ArrayList<>();
    query(
        "select table_name, operation, (audience || team_audience)::text[], coalesce(record,"
            + " 'null'), coalesce(old_record, 'null') from relay.change_log where seq > "
            + before
            + " order by seq",
        row ->
            rows.add(
                new Logged(
                    row.getString(1),
                    row.getString(2),
                    List.of((String[]) row.getArray(3).getArray()).stream()
                        .map(this::name)
                        .toList(),
                    JSON.readTree(row.getString(4)),
                    JSON.readTree(row.getString(5)))));
    return rows;
  }

  /** The log in short, a line each. */
  final String log(Runnable work) {
    return String.join("\n", logged(work).stream().map(Logged::toString).toList());
  }

  private String name(String id) {
    for (Person person : List.of(alice, bob, carol, ivan, mallory)) {
      if (person.id().toString().equals(id)) {
        return person.toString();
      }
    }
    return id.equals(TestDatabase.BLUE.toString())
        ? "Blue"
        : id.equals(TestDatabase.RED.toString()) ? "Red" : id;
  }

  static List<String> fieldsOf(JsonNode row) {
    return new ArrayList<>(row.propertyNames());
  }

  // Looking past the policies.

  /** Reads rows as the owner. */
  final void query(String sql, RowReader reader) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        reader.read(row);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  @FunctionalInterface
  interface RowReader {
    void read(ResultSet row) throws SQLException;
  }

  /** The first column of all rows, as the owner sees it. */
  final List<String> column(String sql) {
    List<String> values = new ArrayList<>();
    query(sql, row -> values.add(String.valueOf(row.getString(1))));
    return values;
  }

  /** The first column of the only row, as this person sees it. */
  static String asks(Person person, String sql) {
    return person.does(tx -> String.valueOf(tx.fetchSingle(sql).get(0, String.class)));
  }

  /** A value of a JSON column as the JSON it stands for. */
  static JsonNode json(Object value) {
    return COLUMNS.valueToTree(value);
  }

  static JsonNode json(org.jooq.JSONB json) {
    return JSON.readTree(json.data());
  }

  static JsonNode json(String json) {
    return JSON.readTree(json);
  }

  /** Someone's own view of a conversation that must be there. */
  static ConversationViewRecord view(Person person, UUID conversation) {
    ConversationViewRecord view = person.conversation(conversation);
    assertTrue(view != null, () -> person + " should see the conversation " + conversation);
    return view;
  }

  /** All is as {@code chat.check_invariants} wants it. */
  final void assertInvariantsHold() {
    assertEquals(List.of(), column("select rule || ': ' || detail from chat.check_invariants()"));
  }
}
