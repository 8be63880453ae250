package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.jooq.Record;
import org.jooq.Result;
import org.junit.jupiter.api.Test;

/** {@code logic/outbox/R__97_webhooks}: who is told of what, in which order, and how often. */
class WebhooksRulesTest extends Rules {
  private static final String TAKE =
      "select * from chat.take_webhook_events('1 minute', 100, 100, '{}')";

  private final UUID conversation = alice.talksTo(bob);

  @Test
  void thePlatformsServersManageThemAndTheRelayTakesEvents() {
    String service = "Alice    42501\nAnon     42501\nService  %s\nRelay    42501";
    String relay = "Alice    42501\nAnon     42501\nService  42501\nRelay    %s";
    everybody("select chat.add_webhook('new', 'https://desk.example/')", service.formatted("1"));
    add("desk", "");
    everybody("select chat.add_webhook('desk', 'https://a.example')", service.formatted("PT409"));
    everybody("select chat.pause_webhook('desk')", service.formatted("1"));
    everybody("select chat.rotate_webhook_secret('desk')", service.formatted("1"));
    everybody("select chat.end_webhook_rotation('desk')", service.formatted("1"));
    everybody("select chat.test_webhook('desk')", service.formatted("1"));
    everybody("select chat.retry_dead_letters('desk')", service.formatted("1"));
    everybody("select chat.remove_webhook('desk')", service.formatted("1"));
    everybody("select chat.remove_webhook('other')", service.formatted("PT404"));
    for (String refused :
        List.of(
            "'x', 'https://user:pass@desk.example'",
            "'x', 'file:///etc/passwd'",
            "'', 'https://desk.example'",
            "'x', 'https://desk.example', '{users}'",
            "'x', 'https://desk.example', '{}'",
            "'x', 'https://desk.example', max_per_second => 0")) {
      everybody("select chat.add_webhook(%s)".formatted(refused), service.formatted("PT400"));
    }
    everybody("select chat.fill_webhook_events()", relay.formatted("1"));
    everybody("select chat.webhook_figures()", relay.formatted("1"));
    everybody(TAKE, relay.formatted("0"));
    everybody("select * from chat.take_webhook_events('0 s')", relay.formatted("PT400"));
    everybody("select * from chat.take_webhook_events('1 s', 0)", relay.formatted("PT400"));
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    for (String table :
        List.of("webhooks", "webhook_lanes", "webhook_events", "dead_letters", "webhook_states")) {
      everybody("select * from chat." + table, nobody);
    }
  }

  @Test
  void withoutAWebhookNothingIsReadAndNothingWaits() {
    alice.sends(conversation, "hi");
    fill();
    assertEquals("0", database.ownerReads("select count(*) from chat.log_readers"));
    add("desk", "");
    assertEquals("1", database.ownerReads("select count(*) from chat.log_readers"));
    alice.sends(conversation, "hello");
    fill();
    assertEquals(List.of("hello"), waiting()); // what was committed since it was added
    assertEquals(
        "1", gptDesk.does(tx -> tx.fetchValue("select chat.remove_webhook('desk')")).toString());
    assertEquals("0", database.ownerReads("select count(*) from chat.log_readers"));
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_events"));
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_lanes"));
  }

  @Test
  void aWebhookGetsWhatItAskedFor() {
    add("all", ", '{user_messages,message_reactions,user_conversations}'");
    add("new", ", operations => '{INSERT}'");
    add("blue", ", team_id => '%s'".formatted(TestDatabase.BLUE));
    add("red", ", team_id => '%s'".formatted(TestDatabase.RED));
    UUID id = alice.sends(conversation, "hi").getId();
    alice.edits(id, "hello");
    bob.reacts(id, "👍");
    fill();
    assertEquals(
        List.of(
            "all INSERT message_reactions",
            "all INSERT user_messages",
            "all UPDATE user_messages",
            "all UPDATE user_messages",
            "blue INSERT user_messages",
            "blue UPDATE user_messages",
            "blue UPDATE user_messages",
            "new INSERT user_messages"),
        column(
            """
            select concat_ws(' ', w.name, e.operation, e.table_name)
            from chat.webhook_events e join chat.webhooks w on w.id = e.webhook_id order by 1
            """));
  }

  @Test
  void theNextOfAConversationGoesWhenTheOneBeforeIsAcknowledgedOrDead() {
    add("desk", "");
    UUID other = alice.talksTo(carol);
    for (String text : List.of("one", "two", "three")) {
      alice.sends(conversation, text);
    }
    alice.sends(other, "elsewhere");
    fill();
    assertEquals(List.of("one", "elsewhere"), texts(take()));
    assertEquals(List.of(), texts(take())); // both are on their way
    finish("one");
    assertEquals(List.of("two"), texts(take()));
    fail("two", "'1 hour'");
    assertEquals(List.of(), texts(take()));
    database.asOwner("update chat.webhook_lanes set due_at = now() where last_error is not null");
    Result<Record> again = take();
    assertEquals("two", texts(again).getFirst());
    assertEquals(2, again.getFirst().get("tries", Integer.class));
    fail("two", "null");
    assertEquals(List.of("three"), texts(take()));
    finish("three");
    finish("elsewhere");
    assertEquals(List.of(), waiting());
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_lanes"));
    assertEquals(
        List.of("desk 2 broken two"),
        column(
            "select concat_ws(' ', webhook, tries, last_error, record::json ->> 'content') from chat.dead_letters"));
  }

  @Test
  void aDeadLetterIsPostedAgainWithItsId() {
    add("desk", "");
    alice.sends(conversation, "one");
    fill();
    String id = take().getFirst().get("message_id", String.class);
    fail("one", "null");
    assertEquals(List.of(), waiting());
    gptDesk.does(tx -> tx.fetch("select chat.retry_dead_letters('desk')"));
    Result<Record> again = take();
    assertEquals(List.of("one"), texts(again));
    assertEquals(id, again.getFirst().get("message_id", String.class));
    assertEquals(1, again.getFirst().get("tries", Integer.class));
  }

  /** What was written while the last of a lane was acknowledged must not be forgotten. */
  @Test
  void aLaneThatEndsWhileAnotherIsFilledGoesOn() throws SQLException {
    add("desk", "");
    alice.sends(conversation, "one");
    fill();
    take();
    alice.sends(conversation, "two");
    try (Connection node = database.owner().connect();
        Statement statement = node.createStatement()) {
      node.setAutoCommit(false);
      statement.execute("select chat.fill_webhook_events()");
      Thread acknowledging = Thread.ofVirtual().start(() -> finish("one"));
      com.gptdesk.chat.testing.Await.until(
          "the other node to wait for the lane",
          () ->
              !database.ownerReads("select count(*) from pg_locks where not granted").equals("0"));
      node.commit();
      acknowledging.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    assertEquals(List.of("two"), texts(take()));
  }

  @Test
  void aPausedWebhookCollectsAndPostsNothing() {
    add("desk", "");
    gptDesk.does(tx -> tx.fetch("select chat.pause_webhook('desk')"));
    alice.sends(conversation, "one");
    fill();
    assertEquals(List.of(), texts(take()));
    assertEquals(List.of("one"), waiting());
    gptDesk.does(tx -> tx.fetch("select chat.pause_webhook('desk', false)"));
    assertEquals(List.of("one"), texts(take()));
  }

  @Test
  void theRateIsThatOfAllNodesTogether() {
    add("desk", ", max_per_second => 1");
    for (int i = 0; i < 6; i++) {
      alice.sends(
          alice.talksTo(i % 2 == 0 ? bob : carol), "m" + i); // two lanes, one event of each at once
    }
    fill();
    database.asOwner(
        "update chat.webhooks set allowance = 0, allowance_at = clock_timestamp() + interval '1 hour'");
    assertEquals(0, take().size());
    database.asOwner(
        "update chat.webhooks set allowance = 0, allowance_at = clock_timestamp() - interval '1 hour'");
    assertEquals(1, take().size());
    database.asOwner(
        "update chat.webhooks set allowance_at = clock_timestamp() - interval '1 hour'");
    assertEquals(1, take().size()); // the second lane
    assertEquals(
        List.of(),
        relay("select * from chat.take_webhook_events('1 minute', 10, 10, '{desk}')")
            .getValues("id"));
  }

  @Test
  void aGapIsToldToEveryWebhook() {
    add("desk", ", operations => '{DELETE}'");
    alice.sends(conversation, "lost");
    database.asOwner("delete from relay.change_log; delete from relay.epoch");
    fill();
    Record gap = take().getFirst();
    assertEquals("GAP", gap.get("operation"));
    assertTrue(json(gap.get("record", String.class)).has("since"));
    assertEquals("1", relay("select gaps::text from chat.webhook_figures()").getFirst().get(0));
  }

  @Test
  void twoSecretsSignWhileTheReceiverChanges() {
    String first = add("desk", "");
    assertTrue(first.matches("whsec_[A-Za-z0-9+/]{43}="), first);
    String second =
        gptDesk.does(tx -> tx.fetchValue("select chat.rotate_webhook_secret('desk')")).toString();
    assertNotEquals(first, second);
    gptDesk.does(tx -> tx.fetch("select chat.test_webhook('desk')"));
    Record event = take().getFirst();
    assertEquals("TEST", event.get("operation"));
    assertEquals(second, event.get("secret"));
    assertEquals(first, event.get("previous_secret"));
    gptDesk.does(tx -> tx.fetch("select chat.end_webhook_rotation('desk')"));
    due();
    assertEquals(null, take().getFirst().get("previous_secret"));
  }

  @Test
  void deadLettersEnd() {
    add("desk", "");
    alice.sends(conversation, "one");
    fill();
    take();
    fail("one", "null");
    assertEquals("0", relay("select chat.drop_dead_letters(14)::text").getFirst().get(0));
    database.asOwner("update chat.webhook_events set dead_at = now() - interval '15 days'");
    assertEquals("1", relay("select chat.drop_dead_letters(14)::text").getFirst().get(0));
    for (String arguments : List.of("0", "null", "3651", "14, 0", "14, null", "14, 10001")) {
      everybody("select chat.drop_dead_letters(%s)".formatted(arguments), "Relay    PT400");
    }
  }

  /** As the owner deletes what is of a person who is erased. */
  @Test
  void aLaneWhoseEventsWereDeletedByHandEnds() {
    add("desk", "");
    alice.sends(conversation, "one");
    fill();
    database.asOwner("delete from chat.webhook_events");
    assertEquals(List.of(), texts(take()));
    assertEquals("0", database.ownerReads("select count(*) from chat.webhook_lanes"));
    alice.sends(conversation, "two");
    fill();
    assertEquals(List.of("two"), texts(take()));
  }

  /** With all that its rate allows at once, so that no test waits for the clock. */
  private String add(String name, String more) {
    String secret =
        gptDesk
            .does(
                tx ->
                    tx.fetchValue(
                        "select chat.add_webhook('%s', 'https://desk.example/hook'%s)"
                            .formatted(name, more)))
            .toString();
    database.asOwner("update chat.webhooks set allowance = max_per_second");
    return secret;
  }

  private void fill() {
    relay("select chat.fill_webhook_events(1000)");
  }

  private Result<Record> take() {
    return relay(TAKE);
  }

  private void due() {
    database.asOwner("update chat.webhook_lanes set due_at = now()");
  }

  private void finish(String text) {
    relay("select chat.finish_webhook_event(%s)".formatted(id(text)));
  }

  private void fail(String text, String pause) {
    relay("select chat.fail_webhook_event(%s, 'broken', %s)".formatted(id(text), pause));
  }

  private String id(String text) {
    return database.ownerReads(
        "select id from chat.webhook_events where record::json ->> 'content' = '%s'"
            .formatted(text));
  }

  private List<String> waiting() {
    return column(
        "select record::json ->> 'content' from chat.webhook_events where dead_at is null order by id");
  }

  private static List<String> texts(Result<Record> events) {
    return events.map(row -> json(row.get("record", String.class)).path("content").asString());
  }

  private Result<Record> relay(String sql) {
    return database.chat().as(ServiceDatabase.RELAY, tx -> tx.fetch(sql));
  }
}
