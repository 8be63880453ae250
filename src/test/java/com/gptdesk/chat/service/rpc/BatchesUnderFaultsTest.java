package com.gptdesk.chat.service.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Batches on a database whose connections are ended again and again: nothing is lost or doubled.
 */
class BatchesUnderFaultsTest {

  private static final int WRITERS = 12;
  private static final int EACH = 30;
  private static final int FAULTS = 5;
  private static final String STATEMENT =
      "select row_to_json(r)::text from json_to_record(?::json) a (conversation_id uuid, content text, id uuid),"
          + " lateral public.send_message(conversation_id => a.conversation_id, content => a.content, id => a.id) r";

  private final Set<String> answered = ConcurrentHashMap.newKeySet();
  private final AtomicInteger lost = new AtomicInteger();

  /**
   * Who sends where; every second message has an id, with which it is sent until it is answered.
   */
  private record Writer(int number, Person person, UUID conversation) {}

  @Test
  void aLostAnswerIsNeverADouble() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Person> cast = List.of(database.alice(), database.bob(), database.carol());
      List<Writer> writers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        Person person = cast.get(i % 3);
        writers.add(new Writer(i, person, person.talksTo(cast.get((i + 1 + i / 3 % 2) % 3))));
      }
      MessageBatches batches = batches(database);

      List<Future<?>> all = new ArrayList<>();
      try (Connection owner = database.owner().connect();
          Statement statement = owner.createStatement()) {
        owner.setAutoCommit(false);
        // The first waits for this, and the others for the first: so they are a batch.
        statement.execute("select from public.user_conversations for update");
        for (Writer writer : writers) {
          all.add(threads.submit(() -> write(database, batches, writer)));
        }
        Await.until("the others wait", () -> batches.waiting() == WRITERS - 1);
        owner.rollback();
      }
      for (int fault = 1; fault <= FAULTS; fault++) {
        int sent = WRITERS * EACH * fault / (FAULTS + 2);
        Await.until(sent + " messages", () -> answered.size() >= sent);
        TestDatabase.asSuperuser(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '%s' and usename = 'chat_login'"
                .formatted(database.ownerReads("select current_database()")));
      }
      for (Future<?> one : all) {
        one.get();
      }

      String stored =
          database.ownerReads("select string_agg(content, ',') from public.user_messages");
      List<String> texts = List.of(stored.split(",", -1));
      assertEquals(texts.size(), Set.copyOf(texts).size(), "doubled");
      assertTrue(Set.copyOf(texts).containsAll(answered), "lost");
      assertTrue(answered.size() + lost.get() >= WRITERS * EACH);
      assertEquals("0", database.ownerReads("select count(*) from chat.check_invariants()"));
      assertTrue(batches.sentTogether() > 0, "nothing went together");
      assertEquals(0, batches.size());
    }
  }

  @Test
  void whoHoldsAConversationHoldsUpNobodyElse() throws Exception {
    try (TestDatabase database = TestDatabase.fresh();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        Connection longer = database.owner().connect();
        Connection shorter = database.owner().connect()) {
      Person alice = database.alice();
      Writer first = new Writer(1, alice, alice.talksTo(database.bob()));
      Writer stuck = new Writer(2, alice, alice.talksTo(database.carol()));
      Writer free = new Writer(3, database.bob(), database.bob().talksTo(database.carol()));
      MessageBatches batches = batches(database);
      hold(shorter, first.conversation());
      hold(longer, stuck.conversation());
      Future<Boolean> firstSent = threads.submit(() -> send(database, batches, first, json(first)));
      Await.until("it has the place", () -> batches.size() == 1 && batches.waiting() == 0);
      Future<Boolean> stuckSent = threads.submit(() -> send(database, batches, stuck, json(stuck)));
      Await.until("it waits", () -> batches.waiting() == 1);
      Future<Boolean> freeSent = threads.submit(() -> send(database, batches, free, json(free)));
      Await.until("both wait", () -> batches.waiting() == 2);
      shorter.rollback();
      assertTrue(firstSent.get());
      assertTrue(freeSent.get()); // in the batch of one that is held
      assertEquals(1, batches.sentTogether());
      assertFalse(stuckSent.isDone());
      longer.rollback();
      assertTrue(stuckSent.get());
      assertEquals("3", database.ownerReads("select count(*) from public.user_messages"));
    }
  }

  @Test
  void allArgumentsOfSendMessageCanGoTogether() {
    try (TestDatabase database = TestDatabase.fresh()) {
      String names =
          database.ownerReads(
              "select array_to_string(proargnames, ',') from pg_proc where oid = 'public.send_message'::regproc");
      assertEquals(Set.of(names.split(",", -1)), RpcExecution.ARGUMENTS_OF_SEND);
    }
  }

  private static void hold(Connection connection, UUID conversation) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "select from public.user_conversations where id = '%s' for update"
              .formatted(conversation));
    }
  }

  private static String json(Writer writer) {
    return "{\"conversation_id\":\"%s\",\"content\":\"hi\"}".formatted(writer.conversation());
  }

  private static MessageBatches batches(TestDatabase database) {
    return new MessageBatches(
        database.chat()::sendTogether,
        new BatchLimits(1, 8, 1_000_000, 1000),
        Await.PATIENCE,
        Duration.ofHours(1),
        System::nanoTime);
  }

  private int write(TestDatabase database, MessageBatches batches, Writer writer) {
    Random random = new Random(writer.number());
    for (int i = 0; i < EACH; i++) {
      String text = writer.number() + " " + i;
      String id =
          i % 2 == 0
              ? "null"
              : "\"%s\""
                  .formatted(
                      new UUID(
                          System.currentTimeMillis() << 16 | 0x7000 | random.nextInt(0x1000),
                          random.nextLong() >>> 2 | Long.MIN_VALUE));
      String json =
          "{\"conversation_id\":\"%s\",\"content\":\"%s\",\"id\":%s}"
              .formatted(writer.conversation(), text, id);
      while (!send(database, batches, writer, json)) {
        lost.incrementAndGet();
        if (id.equals("null")) {
          break; // it may be there, and nobody can tell
        }
      }
    }
    return 0;
  }

  private boolean send(TestDatabase database, MessageBatches batches, Writer writer, String json) {
    Caller caller = writer.person().caller();
    try {
      batches.send(
          writer.person().id(),
          caller,
          writer.conversation().toString(),
          json,
          json.length(),
          () -> database.chat().call(caller, false, STATEMENT, json));
      answered.add(json.replaceFirst(".*\"content\":\"([^\"]*)\".*", "$1"));
      return true;
    } catch (DatabaseUnavailable e) {
      return false;
    }
  }
}
