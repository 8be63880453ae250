package com.gptdesk.chat.plans;

import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.UUID;

/** Fills a database with people who talked for five years, much faster than they could. */
public final class BulkChat {
  /** Months, each a partition, over which the messages are spread. */
  public static final int PARTITIONS = 60;

  private BulkChat() {}

  /**
   * People of these numbers, from 1 on, in teams of twenty, each with ten neighbours and 50
   * messages with each of those. Goes past the triggers, since ids are of the past five years.
   *
   * @param superuser of the migrated database
   * @param seed of the conversations' ids; times count back from now
   */
  public static void fill(Login superuser, int from, int to, long seed) throws SQLException {
    fill(superuser, from, to, seed, PARTITIONS);
  }

  /**
   * The same over fewer or more months.
   *
   * @param partitions of the messages, with the three of the months to come: 4 or more
   */
  public static void fill(Login superuser, int from, int to, long seed, int partitions)
      throws SQLException {
    run(
        superuser,
        """
        set session_replication_role = replica;
        set role chat_owner;
        select chat.create_message_partition((date_trunc('month', now()) - step * interval '1 month')::date)
        from generate_series(0, %1$d - 4) step;
        reset role;
        insert into public.teams (id, name)
        select ('00000000-0000-4000-b000-' || lpad(i::text, 12, '0'))::uuid, 'Team ' || i
        from generate_series((%2$d + 19) / 20, (%3$d + 19) / 20) i;
        insert into public.users (id, full_name, email, team_id)
        select
          ('00000000-0000-4000-c000-' || lpad(i::text, 12, '0'))::uuid,
          'Person ' || i,
          'person' || i || '@plans.example',
          ('00000000-0000-4000-b000-' || lpad(((i - 1) / 20 + 1)::text, 12, '0'))::uuid
        from generate_series(%2$d, %3$d) i;
        insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by, last_message_seq, revision,
          last_message_at, last_message_id, participant_1_read_seq, participant_2_read_seq)
        select md5('%4$d' || a.id || b.id)::uuid, a.id, b.id, a.id, 50, 50, now(), a.id, 50, 40
        from public.users a
        join public.users b on b.team_id = a.team_id and a.id < b.id
        where a.email like '%%@plans.example'
          and right(a.id::text, 12)::int between %2$d and %3$d
          and (right(b.id::text, 12)::int - right(a.id::text, 12)::int) <= 10;
        insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, seq, sent_revision, revision, created_at, updated_at)
        select
          (lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7' || substr(md5(c.id::text || s), 1, 3)
            || '8' || substr(md5(s || c.id::text), 1, 15))::uuid,
          c.id,
          case when s %% 2 = 0 then c.participant_1_id else c.participant_2_id end,
          case when s %% 2 = 0 then c.participant_2_id else c.participant_1_id end,
          'message number' || s || ' to' || right(c.participant_1_id::text, 12)::int || 'and' || right(c.participant_2_id::text, 12)::int,
          s, s, s, t.at, t.at
        from public.user_conversations c
        cross join generate_series(1, 50) s
        cross join lateral (select now() - (51 - s) * interval '1 month' * (%1$d - 4) / 51 as at) t
        where right(c.participant_1_id::text, 12)::int between %2$d and %3$d
          and c.participant_1_id::text like '%%-4000-c000-%%'
        order by s;
        update public.user_conversations c
        set last_message_id = m.id, last_message_at = m.created_at
        from public.user_messages m
        where m.conversation_id = c.id and m.seq = 50
          and right(c.participant_1_id::text, 12)::int between %2$d and %3$d
          and c.participant_1_id::text like '%%-4000-c000-%%';
        """
            .formatted(partitions, from, to, seed));
    run(superuser, "vacuum analyze");
  }

  /**
   * A conversation of two people of the first team, all of it in this month: messages of these
   * numbers, {@code word} and its number in each, as {@code word 77th}. From 1 on, then as much
   * longer as asked.
   */
  public static void say(Login superuser, int from, int to) throws SQLException {
    run(
        superuser,
        """
        set session_replication_role = replica;
        insert into public.users (id, full_name, email, team_id)
        select ('00000000-0000-4000-d000-' || lpad(i::text, 12, '0'))::uuid, 'Talker ' || i, 'talker' || i || '@plans.example', t.id
        from generate_series(1, 2) i, (select id from public.teams where name = 'Team 1') t
        on conflict do nothing;
        insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, seq, sent_revision, revision, created_at)
        select chat.uuid7(), '00000000-0000-4000-d000-00000000000c', '00000000-0000-4000-d000-000000000001',
          '00000000-0000-4000-d000-000000000002', 'word ' || s || 'th', s, s, s, clock_timestamp()
        from generate_series(%1$d, %2$d) s;
        insert into public.user_conversations as c (id, participant_1_id, participant_2_id, created_by, last_message_seq, revision,
          last_message_at, last_message_id, participant_1_read_seq)
        select m.conversation_id, m.sender_id, m.recipient_id, m.sender_id, m.seq, m.revision, m.created_at, m.id, m.seq
        from public.user_messages m
        where m.conversation_id = '00000000-0000-4000-d000-00000000000c'
          and m.seq = %2$d
        on conflict (id) do update
        set last_message_seq = excluded.last_message_seq, revision = excluded.revision, last_message_at = excluded.last_message_at,
          last_message_id = excluded.last_message_id, participant_1_read_seq = excluded.participant_1_read_seq
        """
            .formatted(from, to));
    run(
        superuser,
        "vacuum analyze chat.user_messages_"
            + YearMonth.now(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern("uuuu_MM")));
  }

  /** Who says all of {@link #say}. */
  public static UUID talker() {
    return UUID.fromString("00000000-0000-4000-d000-000000000001");
  }

  /** Somebody with a thousand acquaintances, see {@link #gather}. */
  public static UUID popular() {
    return UUID.fromString("00000000-0000-4000-e000-000000000000");
  }

  /** The id of one that {@link #fill} made. */
  public static UUID person(int number) {
    return UUID.fromString("00000000-0000-4000-c000-%012d".formatted(number));
  }

  /** A team in which one person has a conversation, of one message, with each of so many others. */
  public static void gather(Login superuser, int others) throws SQLException {
    run(
        superuser,
        """
        set session_replication_role = replica;
        insert into public.teams (id, name) values ('00000000-0000-4000-e000-00000000000b', 'Crowd');
        insert into public.users (id, full_name, email, team_id)
        select ('00000000-0000-4000-e000-' || lpad(i::text, 12, '0'))::uuid, 'Guest ' || i, 'guest' || i || '@plans.example',
          '00000000-0000-4000-e000-00000000000b'
        from generate_series(0, %1$d) i;
        insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by, last_message_seq, revision, last_message_at, last_message_id)
        select md5('crowd' || i)::uuid, '%2$s', ('00000000-0000-4000-e000-' || lpad(i::text, 12, '0'))::uuid, '%2$s', 1, 1, now() - i * interval '1 minute', chat.uuid7()
        from generate_series(1, %1$d) i;
        insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, seq, sent_revision, revision, created_at, updated_at)
        select last_message_id, id, participant_2_id, participant_1_id, 'a word', 1, 1, 1, last_message_at, last_message_at
        from public.user_conversations
        where participant_1_id = '%2$s'
        """
            .formatted(others, popular()));
    run(superuser, "vacuum analyze");
  }

  private static void run(Login login, String sql) throws SQLException {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
