package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@code search_messages} reads by whichever of three ways is cheapest; what it returns is what one
 * plain condition says. Asked at random in a world of a year: common, medium and rare words, people
 * who write much and little, deleted messages, blocks, others' ids as words, a month without a
 * partition.
 */
@Tag("once")
class SearchEqualsDefinitionTest extends Rules {
  private static final int QUESTIONS = 200;
  private static final long SEED = 20;

  /** From the most to the least common. */
  private static final List<String> QUERIES =
      List.of(
          "common",
          "Common often",
          "often",
          "monthly",
          "seldom",
          "seldom often",
          "once",
          "no",
          "comm",
          "c",
          "sel of",
          "onc");

  private static final String DEFINITION =
      """
      select to_jsonb(m)::text
      from public.user_messages m
      join public.searched s on s.id = m.id
      where not exists (select from unnest((select q.needles from chat.search_query(?) q)) needle where s.text !~ needle)
        and ?::uuid in (m.sender_id, m.recipient_id)
        and not m.is_deleted
        and (?::uuid is null or m.conversation_id = ?::uuid)
        and (?::uuid is null or m.id < ?::uuid)
      order by m.id desc
      limit ?
      """;

  /** Once for each message, not once for each question. */
  private static final String SEARCHED =
      """
      drop table if exists public.searched;
      create table public.searched as
      select m.id, chat.searched_text(concat_ws(' ', m.content, m.file_name)) as text
      from public.user_messages m;
      create index on public.searched (id);
      analyze public.searched
      """;

  private static final String FOUND =
      """
      select (to_jsonb(found) - array['sender', 'reactions', 'headline'])::text
      from public.search_messages(?, ?, ?, ?) found
      """;

  /** Which of the ways gives the page, by their functions. */
  private static final String WAY =
      """
      select case
        when chat.newest_matches(q.needles, q.me, q.conversation_id, q.before_id, q.page_size) is not null then 'newest'
        when chat.matches_by_month(q.terms, q.unsure, q.me, q.conversation_id, q.before_id, q.page_size) is not null then 'by month'
        else 'all'
      end
      from (
        select
          p.*,
          coalesce(w.terms && quote_literal(p.me)::tsquery, quote_literal(p.me)::tsquery) as terms,
          w.needles,
          w.unsure
        from (values (?::text, ?::uuid, ?::uuid, ?::uuid, ?::int)) p (query, me, conversation_id, before_id, page_size)
        cross join lateral chat.search_query(p.query) w
      ) q
      """;

  private record Question(
      Person person,
      String query,
      @Nullable UUID conversation,
      @Nullable UUID before,
      int pageSize) {}

  private final List<UUID> conversations = new ArrayList<>();

  SearchEqualsDefinitionTest() throws SQLException {
    super(TestDatabase.fresh());
    conversations.add(alice.talksTo(bob));
    conversations.add(alice.talksTo(carol));
    conversations.add(bob.talksTo(carol));
    fill();
    database.asOwner(SEARCHED);
    alice.blocks(bob.id());
  }

  @Test
  void whicheverWayItReads() throws SQLException {
    Random random = new Random(SEED);
    List<String> ids = column("select id from public.user_messages order by id desc");
    Map<String, Integer> ways = new TreeMap<>();
    for (int n = 0; n < QUESTIONS; n++) {
      Question question = any(random, ids);
      compare(question);
      ways.merge(wayOf(question), 1, Integer::sum);
    }
    System.out.println("Searches by way: " + ways);
    for (String way : List.of("newest", "by month", "all")) {
      assertTrue(ways.getOrDefault(way, 0) > QUESTIONS / 20, () -> "too few " + way + ": " + ways);
    }

    // Messages of a month to come, which no clock made, are the newest.
    pastTriggers(
        "update public.user_messages set id = chat.uuid7_floor(now() + interval '40 days') where id = '%s'"
            .formatted(ids.get(30)));
    database.asOwner(SEARCHED);
    for (int n = 0; n < QUESTIONS / 5; n++) {
      compare(any(random, ids));
    }
  }

  @Test
  void pageByPage() throws SQLException {
    for (int pageSize : List.of(20, 90)) {
      for (Person person : List.of(alice, carol)) {
        List<String> paged = new ArrayList<>();
        UUID before = null;
        for (List<String> page = List.of(""); !page.isEmpty(); ) {
          page = found(new Question(person, "often", null, before, pageSize));
          paged.addAll(page);
          before =
              page.isEmpty() ? null : UUID.fromString(json(page.getLast()).get("id").asString());
        }
        assertEquals(defined(new Question(person, "often", null, null, 100_000)), paged);
      }
    }
  }

  private Question any(Random random, List<String> ids) {
    return new Question(
        List.of(alice, alice, bob, carol, mallory).get(random.nextInt(5)),
        QUERIES.get(random.nextInt(QUERIES.size())),
        random.nextInt(3) > 0 ? null : conversations.get(random.nextInt(3)),
        switch (random.nextInt(4)) {
          case 0 -> UUID.fromString(ids.get(random.nextInt(ids.size())));
          case 1 -> UUID.fromString(ids.get(random.nextInt(300))); // of these days
          default -> null;
        },
        List.of(1, 5, 20, 200).get(random.nextInt(4)));
  }

  private void compare(Question question) throws SQLException {
    assertEquals(defined(question), found(question), question::toString);
  }

  private List<String> found(Question question) {
    return question
        .person()
        .does(
            tx ->
                tx.resultQuery(
                        FOUND,
                        question.query(),
                        question.conversation(),
                        question.before(),
                        question.pageSize())
                    .fetch(0, String.class));
  }

  private List<String> defined(Question question) throws SQLException {
    return owner(
        DEFINITION,
        question.query(),
        question.person().id(),
        question.conversation(),
        question.conversation(),
        question.before(),
        question.before(),
        question.pageSize());
  }

  private String wayOf(Question question) throws SQLException {
    return owner(
            WAY,
            question.query(),
            question.person().id(),
            question.conversation(),
            question.before(),
            question.pageSize())
        .getFirst();
  }

  private List<String> owner(String sql, @Nullable Object... values) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Connection connection = database.owner().connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int n = 0; n < values.length; n++) {
        statement.setObject(n + 1, values[n]);
      }
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          rows.add(row.getString(1));
        }
      }
    }
    return rows;
  }

  private void fill() throws SQLException {
    database.asOwner(
        """
        -- None of eight months ago.
        select chat.create_message_partition((date_trunc('month', now()) - step * interval '1 month')::date)
        from generate_series(1, 12) step
        where step <> 8
        """);
    pastTriggers(
        """
        insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, is_deleted, seq, sent_revision, revision, created_at)
        with drawn as materialized (
          select
            g.n, r.of_conversation, r.other_way, r.word, r.deleted, r.mentions,
            -- Half of it in the last month, most of that by Bob and Carol.
            now() - case when g.n %% 2 = 0 then r.age * interval '28 days' else r.age * interval '360 days' end as at
          from (select setseed(0.%1$d)) seeded
          cross join generate_series(1, 4000) g(n)
          cross join lateral (
            select random() as of_conversation, random() < 0.5 as other_way, random() as word, random() < 0.05 as deleted,
              random() < 0.05 as mentions, random() as age, g.n as again
          ) r
        )
        select
          (lpad(to_hex((extract(epoch from d.at) * 1000)::bigint), 12, '0') || '7' || substr(md5('a' || d.n), 1, 3)
            || '8' || substr(md5('b' || d.n), 1, 15))::uuid,
          c.id,
          case when d.other_way then c.participant_2_id else c.participant_1_id end,
          case when d.other_way then c.participant_1_id else c.participant_2_id end,
          case when d.deleted then '' else concat_ws(' ', 'no. ' || d.n,
            case when d.word < 0.8 then '<b>Common</b>' end,
            case when d.word < 0.3 then 'often' end,
            case when d.word between 0.5 and 0.53 then 'monthly' end,
            case when d.word between 0.3 and 0.305 or d.word < 0.002 then 'seldom' end,
            case when d.n in (37, 3001) then 'once' end,
            case when d.mentions then 'of %2$s and %3$s, common often once' end)
          end,
          d.deleted, d.n, d.n, d.n, d.at
        from drawn d
        join public.user_conversations c on c.id = ('{%4$s}'::uuid[])[
          case when d.n %% 2 = 0 then 1 + (d.of_conversation > 0.04)::int + (d.of_conversation > 0.08)::int
            else 1 + floor(3 * d.of_conversation)::int end]
        where exists (
          select
          from pg_class p
          where p.relname = 'user_messages_' || to_char(d.at at time zone 'UTC', 'YYYY_MM'))
        """
            .formatted(
                SEED,
                alice.id(),
                mallory.id(),
                String.join(",", conversations.stream().map(UUID::toString).toList())));
  }

  /** Ids of another time than now pass no trigger. */
  private void pastTriggers(String sql) throws SQLException {
    Login superuser = TestDatabase.server().superuser();
    try (Connection connection =
            new Login(database.owner().url(), superuser.user(), superuser.password()).connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set session_replication_role = replica");
      statement.execute(sql);
    }
  }
}
