package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * {@code chat.check_invariants} finds what the plain rules in {@code invariants.sql} find, in a
 * memory that does not depend on how much there is.
 */
class InvariantsTest extends Rules {
  private static final int ROUNDS = 48;
  private static final long SEED = 5;

  /** {@code %1$s} chooses what is to be broken, {@code %2$s} is Carol. */
  private static final List<String> FAULTS =
      List.of(
          "delete from public.user_messages where id = (select id from public.user_messages order by pg_temp.place(user_messages.*, %1$s) limit 1)",
          "delete from public.user_messages where seq = 1 and conversation_id = (select id from public.user_conversations order by pg_temp.place(user_conversations.*, %1$s) limit 1)",
          message("seq = seq + 1000"),
          message("created_at = created_at - interval '1 hour'"),
          message("sent_revision = revision + 3"),
          message("revision = revision + 500"),
          message(
              "revision = (select m.revision from public.user_messages m order by pg_temp.place(m.*, 0) limit 1)"),
          message("read_by = '[\"x\"]'"),
          message("read_by = jsonb_build_array(recipient_id)"),
          message("recipient_id = '%2$s'"),
          message("sender_id = '%2$s'"),
          message("is_deleted = not is_deleted"),
          message("is_edited = not is_edited"),
          message("client_id = id"),
          message("client_id = gen_random_uuid()"),
          message("written_at = created_at"),
          "update public.user_messages set client_id = null where id = (select message_id from chat.message_keys order by pg_temp.place((select m from public.user_messages m where m.id = message_id), %1$s) limit 1)",
          "update chat.message_keys set sender_id = '%2$s' where message_id = (select message_id from chat.message_keys order by pg_temp.place((select m from public.user_messages m where m.id = message_id), %1$s) limit 1)",
          "delete from chat.message_keys",
          "update public.user_messages set content = 'x' where id = (select id from public.user_messages where is_deleted order by pg_temp.place(user_messages.*, %1$s) limit 1)",
          "update public.user_messages set revision = 7 where conversation_id = (select id from public.user_conversations order by pg_temp.place(user_conversations.*, %1$s) limit 1)",
          "delete from public.message_edits where id = (select id from public.message_edits order by pg_temp.place(message_edits.*, %1$s) limit 1)",
          "update public.message_edits set sender_id = '%2$s' where id = (select id from public.message_edits order by pg_temp.place(message_edits.*, %1$s) limit 1)",
          "update public.message_edits set recipient_id = gen_random_uuid() where id = (select id from public.message_edits order by pg_temp.place(message_edits.*, %1$s) limit 1)",
          "update public.message_edits set message_id = gen_random_uuid() where id = (select id from public.message_edits order by pg_temp.place(message_edits.*, %1$s) limit 1)",
          "insert into public.message_edits (message_id, sender_id, content) select id, sender_id, n::text from (select * from public.user_messages order by pg_temp.place(user_messages.*, %1$s) limit 1) m, generate_series(1, 2) n",
          "update public.message_reactions set conversation_id = gen_random_uuid() where id = (select id from public.message_reactions order by pg_temp.place(message_reactions.*, %1$s) limit 1)",
          "update public.message_reactions set message_id = gen_random_uuid() where id = (select id from public.message_reactions order by pg_temp.place(message_reactions.*, %1$s) limit 1)",
          "update public.message_reactions set message_id = (select id from public.user_messages where is_deleted order by pg_temp.place(user_messages.*, %1$s) limit 1) where id = (select id from public.message_reactions order by pg_temp.place(message_reactions.*, %1$s) limit 1)",
          conversation(
              "last_message_id = (select id from public.user_messages order by pg_temp.place(user_messages.*, %1$s) limit 1)"),
          conversation("last_message_id = gen_random_uuid()"),
          conversation("last_message_at = now()"),
          conversation("last_message_seq = last_message_seq - 2"),
          conversation("participant_1_read_seq = 0"),
          conversation("participant_2_read_seq = 0, participant_1_read_seq = 1000"),
          conversation("participant_2_delivered_seq = 1000"),
          conversation("revision = revision + 9"),
          conversation("created_at = '2020-01-01'"),
          "delete from public.user_conversations where id = (select id from public.user_conversations order by pg_temp.place(user_conversations.*, %1$s) limit 1)",
          "insert into public.user_conversations (participant_1_id, participant_2_id, created_by, revision) values ('11111111-1111-4111-8111-111111111111', 'ffffffff-ffff-4fff-bfff-ffffffffffff', 'ffffffff-ffff-4fff-bfff-ffffffffffff', 3)",
          "update public.conversation_preferences set user_id = gen_random_uuid()",
          "update public.conversation_preferences set archived_seq = 1000 where archived_seq is not null",
          "update public.conversation_preferences set conversation_id = gen_random_uuid()",
          "update public.conversation_preferences set unread_correction = unread_correction + 7",
          "update public.conversation_preferences set unread_from_seq = 1",
          "update public.user_presence set team_id = null");

  /** Orders rows by what is the same at each run, as their ids are not. */
  private static final String PLACES =
      """
      create function pg_temp.place(c public.user_conversations, n int) returns text language sql
      return md5(concat(c.participant_1_id, c.participant_2_id, n)) || c.id;
      create function pg_temp.place(m public.user_messages, n int) returns text language sql
      return md5(concat(least(m.sender_id, m.recipient_id), greatest(m.sender_id, m.recipient_id), m.seq, n)) || m.id;
      create function pg_temp.place(e public.message_edits, n int) returns text language sql
      return concat((select pg_temp.place(m.*, n) from public.user_messages m where m.id = e.message_id), md5(concat(e.content, n)), e.id);
      create function pg_temp.place(r public.message_reactions, n int) returns text language sql
      return concat((select pg_temp.place(m.*, n) from public.user_messages m where m.id = r.message_id), md5(concat(r.user_id, n)), r.id);
      """;

  private final String plainRules = plainRules();

  InvariantsTest() {
    super(TestDatabase.fresh());
  }

  private static String message(String change) {
    return "update public.user_messages set "
        + change
        + " where id = (select id from public.user_messages order by pg_temp.place(user_messages.*, %1$s) limit 1)";
  }

  private static String conversation(String change) {
    return "update public.user_conversations set "
        + change
        + " where id = (select id from public.user_conversations order by pg_temp.place(user_conversations.*, %1$s) limit 1)";
  }

  @Test
  void findsWhatThePlainRulesFind() throws SQLException {
    talk();
    assertInvariantsHold();
    // Some of the rules are constraints, too.
    database.asOwner(
        """
        do $$
        declare
          tab text;
          rule text;
        begin
          for tab, rule in
            select k.conrelid::regclass, quote_ident(k.conname)
            from pg_constraint k
            where k.contype = 'c'
              and k.conrelid in ('public.user_messages'::regclass, 'public.user_conversations'::regclass)
          loop
            execute format('alter table %s drop constraint %s', tab, rule);
          end loop;
        end
        $$
        """);
    Random random = new Random(SEED);
    Set<String> rules = new TreeSet<>();
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute(PLACES);
      statement.execute("set session_replication_role = replica");
      for (int round = 0; round < ROUNDS; round++) {
        List<String> faults = new ArrayList<>();
        for (int n = 0; n <= round % 4; n++) {
          // Each comes once at least.
          int fault = n == 0 ? round % FAULTS.size() : random.nextInt(FAULTS.size());
          faults.add(FAULTS.get(fault).formatted(random.nextInt(1000), carol.id()));
        }
        statement.execute("savepoint healthy");
        for (String fault : faults) {
          statement.execute(fault);
        }
        List<String> found = rows(statement, "select rule, detail from chat.check_invariants()");
        assertEquals(rows(statement, plainRules), found, () -> String.join("\n", faults));
        assertEquals(List.of(), rows(statement, EACH_ALONE), () -> String.join("\n", faults));
        found.forEach(row -> rules.add(row.substring(0, row.indexOf(':'))));
        statement.execute("rollback to healthy");
      }
    }
    assertEquals(
        new TreeSet<>(
            Pattern.compile("(?m)^select '((?:[^']|'')+)'")
                .matcher(plainRules)
                .results()
                .map((MatchResult rule) -> rule.group(1).replace("''", "'"))
                .toList()),
        rules);
  }

  /** What conversation by conversation finds more, or less but for what is of none. */
  private static final String EACH_ALONE =
      """
      with whole as materialized (
        select * from chat.check_invariants()
      ),
      each as materialized (
        select b.*
        from (
          select id from public.user_conversations
          union select conversation_id from public.user_messages
          union select conversation_id from public.conversation_preferences
        ) c
        cross join lateral chat.check_invariants(c.id) b
      )
      (select 'more', detail from each except all select 'more', detail from whole)
      union all
      select 'less', l.detail
      from (select * from whole except all select * from each) l
      where l.rule not in ('presence knows its team', 'an edit knows its message', 'a reaction knows its message', 'a key is its message''s')
      """;

  /**
   * As little as PostgreSQL can be given, and no file: what keeps all messages fails, see below.
   */
  @Test
  void takesNoMoreMemoryForMoreMessages() throws SQLException {
    Login superuser = superuser();
    BulkChat.fill(superuser, 1, 20, SEED);
    BulkChat.say(superuser, 1, 10_000);
    try (Connection connection = superuser.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "update public.user_conversations set participant_2_read_seq = last_message_seq");
      statement.execute("set work_mem = '64kB'; set temp_file_limit = 0");
      assertEquals(List.of(), rows(statement, "select * from chat.check_invariants()"));
      SQLException refused = assertThrows(SQLException.class, () -> rows(statement, plainRules));
      assertEquals("53400", refused.getSQLState(), refused::toString);
    }
  }

  /** Three conversations in which everything happens, in a database that is older than they. */
  private void talk() {
    database.asOwner(
        "select chat.create_message_partition((date_trunc('month', now()) - step * interval '1 month')::date)"
            + " from generate_series(1, 2) step");
    for (Person[] pair : new Person[][] {{alice, bob}, {alice, carol}, {bob, carol}}) {
      UUID conversation = pair[0].talksTo(pair[1]);
      List<UUID> sent = new ArrayList<>();
      for (int n = 0; n < 12; n++) {
        Person sender = pair[n % 3 == 0 ? 1 : 0];
        sent.add(
            (n % 4 == 0
                    ? sender.sends(UUID.randomUUID(), conversation, "no. " + n)
                    : sender.sends(conversation, "no. " + n))
                .getId());
      }
      pair[1].reads(sent.get(4));
      pair[0].edits(sent.get(1), "other");
      pair[0].edits(sent.get(1), "another");
      pair[0].edits(sent.get(2), "other");
      pair[0].deletes(sent.get(2));
      pair[0].reacts(sent.get(3), "👍");
      pair[1].reacts(sent.get(4), "👍");
      pair[0].archives(conversation, true);
      pair[0].is("online", null);
    }
    alice.deletes(alice.sends(alice.talksTo(bob), "no").getId());
    carol.marksUnread(alice.talksTo(carol), 3L);
  }

  private Login superuser() {
    Login superuser = TestDatabase.server().superuser();
    return new Login(database.owner().url(), superuser.user(), superuser.password());
  }

  /** Sorted. */
  private static List<String> rows(Statement statement, String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        rows.add(row.getString(1) + ": " + row.getString(2));
      }
    }
    return rows.stream().sorted().toList();
  }

  private static String plainRules() {
    try (InputStream file = InvariantsTest.class.getResourceAsStream("/invariants.sql")) {
      assertTrue(file != null);
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
