package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageMatchRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What holds when many do something at once, each on a thread and connection of their own.
 * Afterwards all invariants hold and nobody ran into a deadlock, not even one that was retried.
 */
class RaceTest extends Rules {

  private static final int MANY = 32;

  /** What retention drops, and how many messages each has. */
  private static final int MONTHS = 4;

  private static final int A_MONTH = 20;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  RaceTest() {
    super(TestDatabase.fresh()); // its deadlocks are counted
  }

  @AfterEach
  void allIsAsItMustBe() {
    threads.shutdownNow();
    try {
      assertInvariantsHold();
      assertEquals("0", deadlocks());
    } finally {
      super.close();
    }
  }

  @Override
  void close() {
    // After allIsAsItMustBe.
  }

  // Opening.

  @Test
  void manyOpenOneConversation() {
    for (int round = 0; round < 5; round++) {
      Set<UUID> ids =
          new HashSet<>(
              together(
                  MANY,
                  n ->
                      (n % 2 == 0 ? alice : bob)
                          .does(
                              tx ->
                                  n % 4 < 2
                                      ? Routines.getOrCreateConversation(
                                          tx.configuration(), alice.id(), bob.id())
                                      : Routines.getOrCreateConversation(
                                          tx.configuration(), bob.id(), alice.id()))));
      assertEquals(1, ids.size());
      assertEquals("1", database.ownerReads("select count(*) from public.user_conversations"));
      database.asOwner("delete from public.user_conversations");
    }
  }

  @Test
  void nobodyOpensAConversationInAnOldSnapshot() throws SQLException {
    try (Connection connection = database.service().connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      statement.execute("set local role authenticated");
      statement.execute(
          "select set_config('request.jwt.claims', '%s', true)".formatted(alice.caller().claims()));
      UUID conversation = bob.talksTo(alice);
      String open =
          "select public.get_or_create_conversation('%s', '%s')".formatted(alice.id(), bob.id());
      SQLException no = assertThrows(SQLException.class, () -> statement.execute(open));
      assertEquals("PT412", no.getSQLState());
      connection.rollback();
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      assertEquals(conversation, alice.talksTo(bob));
    }
  }

  // Sending.

  @Test
  void messagesAreNumberedWithoutGapsInCommitOrder() {
    UUID conversation = alice.talksTo(bob);
    AtomicBoolean sending = new AtomicBoolean(true);
    // A reader who has seen n has seen all before n, whenever they look: so numbers become visible
    // in order.
    Callable<Integer> counting =
        () -> {
          int looks = 0;
          do {
            String seen =
                asks(
                    alice,
                    "select concat_ws(' ', count(*), count(distinct seq), coalesce(max(seq), 0), coalesce(max(revision), 0))"
                        + " from public.user_messages");
            assertEquals(seen.split(" ")[0], seen.split(" ")[1], seen);
            assertEquals(seen.split(" ")[0], seen.split(" ")[2], seen);
            assertEquals(seen.split(" ")[0], seen.split(" ")[3], seen);
            looks++;
          } while (sending.get());
          return looks;
        };
    Callable<List<Long>> following =
        () -> {
          List<Long> followed = new ArrayList<>();
          boolean more = true;
          while (more) {
            more = sending.get();
            changes(bob, conversation, followed.isEmpty() ? 0 : followed.getLast(), 200)
                .forEach(message -> followed.add(message.getRevision()));
          }
          return followed;
        };
    Future<Integer> counter = threads.submit(counting);
    Future<List<Long>> follower = threads.submit(following);
    List<List<Long>> numbers =
        together(
            MANY,
            n -> {
              Person person = n % 2 == 0 ? alice : bob;
              List<Long> mine = new ArrayList<>();
              for (int k = 0; k < 4; k++) {
                // Some change their mind at the last moment: no number is lost.
                assertThrows(
                    ChangedMind.class,
                    () ->
                        person.tries(
                            tx -> {
                              tx.execute(
                                  "select public.send_message(?, 'never said')", conversation);
                              throw new ChangedMind();
                            }));
                mine.add(person.sends(conversation, "no. " + k).getSeq());
              }
              return mine;
            });
    sending.set(false);
    assertTrue(result(counter) > 0);
    List<Long> all = LongStream.rangeClosed(1, MANY * 4).boxed().toList();
    assertEquals(all, numbers.stream().flatMap(List::stream).sorted().toList());
    numbers.forEach(
        mine -> assertEquals(mine.stream().sorted().toList(), mine)); // each in the order sent
    assertEquals(all, result(follower), "every revision once, in order");
    assertEquals(
        "t",
        database.ownerReads(
            "select bool_and(seq = n) from (select seq, row_number() over (order by created_at) n from public.user_messages) x"));
  }

  @Test
  void aRetriedMessageIsSentOnce() {
    UUID conversation = alice.talksTo(bob);
    for (int round = 0; round < 5; round++) {
      UUID id = round % 2 == 0 ? MessageRules.uuid7(Instant.now()) : UUID.randomUUID();
      List<MessageViewRecord> sent = together(8, n -> alice.sends(id, conversation, "hi"));
      assertEquals(1, Set.copyOf(sent.stream().map(MessageViewRecord::getSeq).toList()).size());
      assertEquals(round + 1, sent.getFirst().getSeq());
    }
    assertEquals("5", database.ownerReads("select count(*) from public.user_messages"));
  }

  @Test
  void anIdForTwoConversationsIsOneMessageInOne() {
    List<UUID> conversations = List.of(alice.talksTo(bob), alice.talksTo(carol));
    for (int round = 0; round < 8; round++) {
      UUID id = round % 2 == 0 ? MessageRules.uuid7(Instant.now()) : UUID.randomUUID();
      List<String> outcomes =
          together(
              16, n -> codeOf(() -> alice.sends(id, conversations.get(n % 2), "hi")) + " " + n % 2);
      Set<String> distinct = Set.copyOf(outcomes);
      assertTrue(
          distinct.equals(Set.of("sent 0", "PT409 1"))
              || distinct.equals(Set.of("sent 1", "PT409 0")),
          distinct.toString());
    }
    assertEquals("8", database.ownerReads("select count(*) from public.user_messages"));
    assertEquals(
        "8", database.ownerReads("select sum(last_message_seq) from public.user_conversations"));
  }

  @Test
  void theSameReactionByManyDevicesIsOne() {
    UUID conversation = alice.talksTo(bob);
    UUID message = alice.sends(conversation, "hi").getId();
    together(
        16,
        n -> {
          bob.reacts(message, "👍");
          return n;
        });
    assertEquals(2, view(alice, conversation).getRevision());
    assertEquals("1", database.ownerReads("select count(*) from public.message_reactions"));
  }

  // Reading while others write.

  @Test
  void readingGoesWithSending() {
    List<UUID> conversations =
        List.of(alice.talksTo(bob), alice.talksTo(carol), bob.talksTo(carol));
    List<Person> people = List.of(alice, bob, carol);
    together(
        12,
        n -> {
          Person person = people.get(n % 3);
          List<UUID> mine =
              new ArrayList<>(
                  conversations.stream().filter(c -> person.conversation(c) != null).toList());
          for (int k = 0; k < 8; k++) {
            if (n < 6) {
              person.sends(mine.get(k % 2), "no. " + k);
              continue;
            }
            Collections.reverse(mine); // locks are taken by id, whatever the order asked for
            List<UUID> ids = new ArrayList<>();
            for (UUID conversation : mine) {
              person.messagesOf(conversation).reversed().stream()
                  .limit(5)
                  .map(MessageViewRecord::getId)
                  .forEach(ids::add);
            }
            assertTrue(person.reads(ids.toArray(UUID[]::new)) >= 0);
            for (UUID conversation : mine) {
              assertTrue(person.readsUpTo(conversation, (long) k) >= 0);
              assertTrue(view(person, conversation).getUnreadCount() >= 0);
            }
          }
          return n;
        });
    for (Person person : people) {
      for (UUID conversation : conversations) {
        if (person.conversation(conversation) != null) {
          assertEquals(0, person.readsUpTo(conversation, null));
          assertEquals(0, view(person, conversation).getUnreadCount());
        }
      }
    }
  }

  @Test
  void whoFollowsChangesEndsWithWhatIsThere() {
    UUID conversation = alice.talksTo(bob);
    List<UUID> ids =
        IntStream.range(0, 6).mapToObj(n -> alice.sends(conversation, "no. " + n).getId()).toList();
    AtomicBoolean changing = new AtomicBoolean(true);
    Callable<Map<Long, String>> following =
        () -> {
          Map<Long, String> held = new TreeMap<>();
          long revision = 0;
          boolean more = true;
          while (more) {
            more = changing.get();
            List<MessageViewRecord> changes = changes(bob, conversation, revision, 200);
            for (MessageViewRecord message : changes) {
              assertTrue(message.getRevision() > revision, "revisions only grow");
              revision = message.getRevision();
              held.put(message.getSeq(), essence(message));
            }
          }
          return held;
        };
    List<Future<Map<Long, String>>> followers =
        IntStream.range(0, 3).mapToObj(n -> threads.submit(following)).toList();
    together(
        12,
        n -> {
          for (int k = 0; k < 6; k++) {
            UUID id = ids.get((n + k) % 5);
            switch (n % 4) {
              case 0 -> alice.edits(id, "edit %d of %d".formatted(k, n));
              case 1 -> bob.reacts(id, ":r" + n + ":");
              case 2 -> bob.takesBack(id, ":r" + (n - 1) + ":");
              default -> (n % 8 == 3 ? alice : bob).sends(conversation, "more");
            }
          }
          return n;
        });
    alice.deletes(ids.get(5));
    changing.set(false);
    Map<Long, String> there = new TreeMap<>();
    bob.messagesOf(conversation).forEach(message -> there.put(message.getSeq(), essence(message)));
    followers.forEach(follower -> assertEquals(there, result(follower)));
  }

  // Archive.

  @Test
  void aMessageUndoesAnArchiveHoweverTheyMeet() {
    UUID conversation = alice.talksTo(bob);
    alice.sends(conversation, "hi");
    together(
        12,
        n -> {
          for (int k = 0; k < 5; k++) {
            switch (n % 4) {
              case 0 -> alice.sends(conversation, "hi");
              case 1 -> alice.archives(conversation, k % 2 == 0);
              case 2 -> bob.archives(conversation, k % 2 == 1);
              default ->
                  database.asOwner(
                      "update public.user_conversations set is_archived = true"); // as the
                // operator's
                // function does
            }
          }
          return n;
        });
    alice.archives(conversation, true);
    bob.archives(conversation, true);
    bob.sends(conversation, "back");
    assertEquals(false, view(alice, conversation).getIsArchived());
    assertEquals(false, view(bob, conversation).getIsArchived());
  }

  // What goes while it is used.

  @Test
  void aConversationErasedInUseTakesAllAlongAndIsRefusedAfterwards() {
    for (int round = 0; round < 6; round++) {
      UUID conversation = alice.talksTo(bob);
      UUID message = alice.sends(conversation, "hi").getId();
      AtomicInteger started = new AtomicInteger();
      Set<String> outcomes =
          new HashSet<>(
              together(
                  12,
                  n -> {
                    if (n == 11) {
                      Await.until("the others to have begun", () -> started.get() >= 8);
                      gptDesk.tries(
                          tx ->
                              tx.execute(
                                  "delete from public.user_conversations where id = ?",
                                  conversation));
                      return "erased";
                    }
                    Set<String> codes = new HashSet<>();
                    for (int k = 0; k < 4; k++) {
                      codes.add(codeOf(use(n % 11, conversation, message)));
                      started.incrementAndGet();
                    }
                    codes.remove("sent");
                    return String.join(",", codes);
                  }));
      for (String outcome : outcomes) {
        assertTrue(
            Set.of("", "erased", "PT403", "PT404").containsAll(List.of(outcome.split(","))),
            outcomes.toString());
      }
      assertEquals(
          "0 0 0 0 0",
          database.ownerReads(
              "select concat_ws(' ', (select count(*) from public.user_conversations), (select count(*) from public.user_messages),"
                  + " (select count(*) from public.message_reactions), (select count(*) from public.message_edits),"
                  + " (select count(*) from public.conversation_preferences))"));
    }
  }

  @Test
  void aPersonDeletedInUseTakesTheirsAlongAndTheOthersAreRefused() {
    for (int round = 0; round < 6; round++) {
      UUID id = UUID.randomUUID();
      database.asOwner(
          "insert into public.users (id, full_name, email, team_id) values ('%1$s', 'Dave', '%1$s', '%2$s')"
              .formatted(id, TestDatabase.BLUE));
      Person dave = database.person("Dave", id);
      List<UUID> conversations =
          List.of(alice.talksTo(dave), dave.talksTo(bob), carol.talksTo(dave));
      List<UUID> messages =
          List.of(
              alice.sends(conversations.get(0), "hi").getId(),
              bob.sends(conversations.get(1), "hi").getId(),
              carol.sends(conversations.get(2), "hi").getId());
      AtomicInteger started = new AtomicInteger();
      Set<String> outcomes =
          new HashSet<>(
              together(
                  14,
                  n -> {
                    if (n == 13) {
                      Await.until("the others to have begun", () -> started.get() >= 10);
                      database.asOwner("delete from public.users where id = '" + id + "'");
                      return "deleted";
                    }
                    Set<String> codes = new HashSet<>();
                    for (int k = 0; k < 4; k++) {
                      codes.add(
                          codeOf(
                              switch (n) {
                                case 0, 1 -> () -> alice.sends(conversations.get(0), "hi");
                                case 2 -> () -> dave.sends(conversations.get(0), "hi");
                                case 3 -> () -> dave.sends(conversations.get(1), "hi");
                                case 4 -> () -> alice.typesTo(id);
                                case 5 -> () -> dave.typesTo(alice.id());
                                case 6 -> () -> dave.is("online", null);
                                case 7 -> () -> bob.reacts(messages.get(1), "👍");
                                case 8 -> () -> dave.reads(messages.toArray(UUID[]::new));
                                case 9 -> () -> bob.blocks(id);
                                case 10 -> () -> carol.talksTo(dave);
                                case 11 -> () -> carol.mutes(conversations.get(2), null);
                                default ->
                                    () ->
                                        carol.edits(
                                            messages.get(2),
                                            "hello " + Thread.currentThread().threadId());
                              }));
                      started.incrementAndGet();
                    }
                    codes.remove("sent");
                    return String.join(",", codes);
                  }));
      for (String outcome : outcomes) {
        assertTrue(
            Set.of("", "deleted", "PT403", "PT404", "23503")
                .containsAll(List.of(outcome.split(","))),
            outcomes.toString());
      }
      assertEquals("0", database.ownerReads("select count(*) from public.user_messages"));
      assertEquals("0", database.ownerReads("select count(*) from public.user_conversations"));
      database.asOwner("delete from public.user_blocks");
    }
  }

  @Test
  void aPersonWithManyConversationsGoesWhileTheyAreRead() {
    // Both lock the conversations: in the order of their ids.
    for (int round = 0; round < 5; round++) {
      database.asOwner(
          """
          insert into public.users (id, full_name, email, team_id)
          select gen_random_uuid(), 'Colleague', gen_random_uuid(), '%s'
          from generate_series(1, 40)
          """
              .formatted(TestDatabase.BLUE));
      database.asOwner(
          """
          insert into public.user_conversations (participant_1_id, participant_2_id, created_by)
          select least(u.id, '%1$s'), greatest(u.id, '%1$s'), u.id
          from public.users u
          where u.full_name = 'Colleague'
          """
              .formatted(carol.id()));
      database.asOwner(
          """
          insert into public.user_messages (conversation_id, sender_id, content)
          select c.id, c.created_by, 'hi'
          from public.user_conversations c
          """);
      UUID[] all =
          column("select id from public.user_messages").stream()
              .map(UUID::fromString)
              .toArray(UUID[]::new);
      assertEquals(40, all.length);
      Set<String> outcomes =
          new HashSet<>(
              together(
                  4,
                  n -> {
                    if (n == 3) {
                      database.asOwner("delete from public.users where id = '" + carol.id() + "'");
                      return "deleted";
                    }
                    return codeOf(() -> carol.reads(all));
                  }));
      assertTrue(Set.of("deleted", "sent", "PT403").containsAll(outcomes), outcomes.toString());
      database.asOwner(
          "delete from public.users where full_name = 'Colleague';"
              + " insert into public.users (id, full_name, email, team_id) values ('%s', 'Carol Clark', 'carol@example.org', '%s')"
                  .formatted(carol.id(), TestDatabase.BLUE));
    }
  }

  // Retention.

  @Test
  void monthsAreDroppedWhileTheyAreRead() {
    UUID conversation = alice.talksTo(bob);
    monthsAgo(conversation);
    Set<Long> recent =
        IntStream.range(0, 3)
            .mapToObj(n -> alice.sends(conversation, "old and new").getSeq())
            .collect(Collectors.toSet());
    assertInvariantsHold();

    AtomicBoolean dropping = new AtomicBoolean(true);
    CountDownLatch reading = new CountDownLatch(4);
    List<Future<Integer>> readers =
        IntStream.range(0, 4)
            .mapToObj(
                n ->
                    threads.submit(
                        () -> {
                          Person person = n % 2 == 0 ? alice : bob;
                          int looks = 0;
                          do {
                            Set<Long> seen = n < 2 ? pages(person, conversation) : hits(person);
                            assertTrue(seen.containsAll(recent), seen::toString);
                            view(person, conversation);
                            looks++;
                            reading.countDown();
                          } while (dropping.get());
                          return looks;
                        }))
            .toList();
    List<Integer> left = new ArrayList<>();
    try {
      Await.until("all to have begun", () -> reading.getCount() == 0);
      for (int month = 1; month <= MONTHS; month++) {
        dropMonths(month);
        left.add(pages(bob, conversation).size());
      }
    } finally {
      dropping.set(false);
    }
    readers.forEach(reader -> assertTrue(result(reader) > 0));
    assertEquals(
        IntStream.rangeClosed(1, MONTHS)
            .mapToObj(month -> (MONTHS - month) * A_MONTH + recent.size())
            .toList(),
        left);
    assertEquals(recent, hits(alice));
    assertEquals("0", database.ownerReads("select count(*) from public.message_reactions"));
    assertEquals("0", database.ownerReads("select count(*) from public.message_edits"));
  }

  @Test
  void aMonthIsDroppedWhileItsReactionsComeAndGo() {
    UUID conversation = alice.talksTo(bob);
    monthsAgo(conversation);
    List<UUID> old =
        column("select id from public.user_messages order by seq limit " + A_MONTH).stream()
            .map(UUID::fromString)
            .toList();
    // Bob holds one, the drop comes to it, and only then Bob goes for what the drop may have.
    // Then he changes his mind: all three are there again, and are for the drop.
    AtomicReference<Future<?>> drop = new AtomicReference<>();
    assertThrows(
        ChangedMind.class,
        () ->
            bob.tries(
                tx -> {
                  Routines.removeReaction(tx.configuration(), old.get(A_MONTH / 2), "r0");
                  drop.set(threads.submit(() -> dropMonths(1)));
                  Await.until("the drop to wait", this::theDropWaits);
                  Routines.removeReaction(tx.configuration(), old.getFirst(), "r0");
                  Routines.removeReaction(tx.configuration(), old.getLast(), "r0");
                  throw new ChangedMind();
                }));
    result(drop.get());
    assertEquals((MONTHS - 1) * A_MONTH, pages(alice, conversation).size());
  }

  /** Months of Alice's messages, from January 2020 on, each edited and twice reacted to by both. */
  private void monthsAgo(UUID conversation) {
    database.asOwner(
        """
        select chat.create_message_partition((date '2020-01-01' + n * interval '1 month')::date)
        from generate_series(0, %3$d - 1) n;
        alter table public.user_messages disable trigger number_message;
        insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, is_edited, seq, sent_revision, revision, created_at, updated_at)
        select
          overlay(chat.uuid7_floor(t.at)::text placing right(gen_random_uuid()::text, 12) from 25)::uuid,
          '%1$s', '%2$s', '%5$s', 'old', true, s, s, s, t.at, t.at
        from generate_series(1, %3$d * %4$d) s
        cross join lateral (
          select timestamptz '2020-01-01Z' + (s - 1) / %4$d * interval '1 month' + (s - 1) %% %4$d * interval '1 hour' as at
        ) t;
        alter table public.user_messages enable trigger number_message;
        insert into public.message_edits (message_id, sender_id, content)
        select m.id, m.sender_id, 'older'
        from public.user_messages m;
        insert into public.message_reactions (message_id, user_id, reaction, conversation_id, sender_id, recipient_id)
        select m.id, u.id, r, m.conversation_id, m.sender_id, m.recipient_id
        from public.user_messages m
        cross join lateral (values (m.sender_id), (m.recipient_id)) u (id)
        cross join unnest(array['r0', 'r1']) r;
        update public.user_conversations c
        set
          created_at = '2020-01-01Z',
          last_message_seq = m.seq,
          revision = m.seq,
          last_message_id = m.id,
          last_message_at = m.created_at,
          participant_1_read_seq = m.seq,
          participant_2_read_seq = m.seq
        from (
          select x.*
          from public.user_messages x
          order by x.seq desc
          limit 1
        ) m
        where c.id = m.conversation_id
        """
            .formatted(conversation, alice.id(), MONTHS, A_MONTH, bob.id()));
  }

  private boolean theDropWaits() {
    return "t"
        .equals(
            database.ownerReads(
                "select exists (select from pg_locks l join pg_stat_activity a using (pid)"
                    + " where not l.granted and a.query like 'call chat.drop_messages_before%')"));
  }

  /** As operators do it: again, as often as the chat was too busy. */
  private void dropMonths(int months) {
    String drop =
        "call chat.drop_messages_before(timestamptz '2020-01-01Z' + interval '%d months')"
            .formatted(months);
    Await.until(
        months + " months to be dropped",
        () -> {
          try {
            database.asOwner(drop);
            return true;
          } catch (IllegalStateException e) {
            assertEquals("PT503", ((SQLException) e.getCause()).getSQLState(), e::toString);
            return false;
          }
        });
  }

  /** The numbers of a whole conversation, page by page from its beginning. */
  private static Set<Long> pages(Person person, UUID conversation) {
    Set<Long> seen = new HashSet<>();
    long last = 0;
    while (true) {
      long after = last;
      List<Long> page =
          person
              .does(tx -> Routines.getMessages(tx.configuration(), conversation, null, after, 50))
              .map(MessageViewRecord::getSeq);
      if (page.isEmpty()) {
        return seen;
      }
      assertEquals(page.stream().sorted().toList(), page);
      last = page.getLast();
      seen.addAll(page);
    }
  }

  /** The numbers of what a search finds, page by page from the newest. */
  private static Set<Long> hits(Person person) {
    Set<Long> seen = new HashSet<>();
    UUID last = null;
    while (true) {
      UUID before = last;
      List<MessageMatchRecord> page =
          person.does(tx -> Routines.searchMessages(tx.configuration(), "old", null, before, 50));
      if (page.isEmpty()) {
        return seen;
      }
      last = page.getLast().getId();
      page.forEach(message -> seen.add(message.getSeq()));
    }
  }

  private Runnable use(int way, UUID conversation, UUID message) {
    return switch (way) {
      case 0, 1 -> () -> alice.sends(conversation, "hi");
      case 2 -> () -> bob.sends(conversation, "hi");
      case 3 -> () -> alice.edits(message, "hello " + Thread.currentThread().threadId());
      case 4 -> () -> bob.reacts(message, "👍");
      case 5 -> () -> bob.reads(message);
      case 6 -> () -> bob.readsUpTo(conversation, null);
      case 7 -> () -> bob.archives(conversation, true);
      case 8 -> () -> alice.mutes(conversation, null);
      case 9 -> () -> alice.archives(conversation, false);
      default -> () -> alice.typesTo(bob.id());
    };
  }

  private static String codeOf(Runnable work) {
    try {
      work.run();
      return "sent";
    } catch (Refusal refusal) {
      return refusal.code();
    }
  }

  private static String essence(MessageViewRecord message) {
    return "%d %s %s %s"
        .formatted(
            message.getRevision(),
            message.getContent(),
            message.getIsDeleted(),
            message.getReactions());
  }

  private static List<MessageViewRecord> changes(
      Person person, UUID conversation, long after, int size) {
    return person.does(tx -> Routines.getChanges(tx.configuration(), conversation, after, size));
  }

  /**
   * Runs this on so many threads at once, and returns what came of each; a failure is the test's.
   */
  private <T> List<T> together(int count, Work<T> work) {
    CountDownLatch start = new CountDownLatch(1);
    List<Future<T>> running = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      int number = n;
      running.add(
          threads.submit(
              () -> {
                start.await();
                return work.by(number);
              }));
    }
    start.countDown();
    return running.stream().map(RaceTest::result).toList();
  }

  private static <T> T result(Future<T> running) {
    try {
      return Await.result(running);
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** All backends of this database end first, as each tells of its deadlocks then at the latest. */
  private String deadlocks() {
    HikariDataSource pool = (HikariDataSource) database.dataSource();
    pool.getHikariPoolMXBean().softEvictConnections();
    Await.until(
        "the backends to end",
        () ->
            database
                .ownerReads(
                    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'")
                .equals("0"));
    return database.ownerReads(
        "select deadlocks from pg_stat_database where datname = current_database()");
  }

  @FunctionalInterface
  private interface Work<T> {
    T by(int number) throws Exception;
  }

  private static final class ChangedMind extends RuntimeException {
    private static final long serialVersionUID = 1;
  }
}
