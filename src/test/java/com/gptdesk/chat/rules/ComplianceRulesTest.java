package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code logic/compliance}: what the law asks of an operator. */
class ComplianceRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);

  ComplianceRulesTest() {
    super(TestDatabase.fresh()); // what is erased stays erased
  }

  @Test
  void allOfItIsTheOwnersToDo() {
    String nobody =
        "Alice    42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    everybody("select chat.export_person('%s')".formatted(alice.id()), nobody);
    everybody("select * from chat.export_person_rows('%s')".formatted(alice.id()), nobody);
    everybody("call chat.erase_person('%s')".formatted(alice.id()), nobody);
    everybody("select chat.place_hold('x', '%s')".formatted(alice.id()), nobody);
    everybody("select chat.release_hold(1)", nobody);
    for (String table :
        List.of(
            "legal_holds",
            "held_texts",
            "erased_people",
            "audit_log",
            "health",
            "message_keys",
            "upload_counts",
            "file_removals",
            "push_notices",
            "provisioned_people")) {
      everybody("select * from chat." + table, nobody);
    }
    everybody("insert into chat.audit_log (acting_as, action) values ('x', 'y')", nobody);
  }

  // Export.

  @Test
  void anExportHoldsBothHalvesAndNothingOfOthers() {
    UUID first = alice.sends(conversation, "hello Bob").getId();
    alice.edits(first, "hello, Bob");
    bob.sends(conversation, "hello Alice");
    bob.reacts(first, "👍");
    UUID others = carol.talksTo(bob);
    carol.sends(others, "not for Alice");

    JsonNode export = export(alice.id());
    assertEquals("Alice Adams", export.get("person").get(0).get("full_name").asString());
    assertEquals(
        List.of("hello, Bob", "hello Alice"),
        export.get("messages").valueStream().map(m -> m.get("content").asString()).toList());
    assertEquals("hello Bob", export.get("earlier_texts").get(0).get("content").asString());
    assertEquals(1, export.get("conversations").size());
    assertEquals(0, export.get("reactions").size(), "it was Bob's");
    assertEquals(1, export(bob.id()).get("reactions").size());
    assertEquals(0, export(bob.id()).get("earlier_texts").size(), "they are their sender's");
    assertEquals(
        List.of(
            "person",
            "provisioned",
            "presence",
            "blocks",
            "preferences",
            "conversations",
            "messages",
            "earlier_texts",
            "files",
            "devices",
            "reactions",
            "webhook_events"),
        fieldsOf(export));
    assertEquals("PT404", refusal("select chat.export_person('%s')".formatted(NOBODY)));
  }

  // Erasure.

  @Test
  void erasureKeepsTheOthersHalf() {
    UUID first = alice.sends(conversation, "my secret").getId();
    alice.edits(first, "my other secret");
    UUID second = bob.sends(conversation, "an answer").getId();
    alice.reacts(second, "👍");
    bob.reacts(first, "🎉");
    alice.sends(conversation, "and more");
    long before = bob.conversation(conversation).getRevision();

    assertEquals("PT409", refusal(erase(alice.id(), 2)), "she is active");
    database.asOwner(
        "select chat.provision_person('%1$s', 'alice', 'a1', 'alice@example.org', null, null, false, null, '{\"title\": \"Ms\"}')"
            .formatted(alice.id()));
    assertEquals("alice", export(alice.id()).get("provisioned").get(0).get("user_name").asString());
    call(erase(alice.id(), 2));

    assertEquals(
        List.of("", "an answer", ""),
        bob.messagesOf(conversation).stream().map(m -> m.getContent()).toList());
    assertEquals(
        List.of(true, false, true),
        bob.messagesOf(conversation).stream().map(m -> m.getIsDeleted()).toList());
    assertEquals(
        "0 0",
        database.ownerReads(
            "select (select count(*) from public.message_edits) || ' ' || (select count(*) from public.message_reactions)"));
    assertEquals(
        before + 3,
        bob.conversation(conversation).getRevision(),
        "clients catch up by it: two messages blanked, a reaction taken back");
    assertInvariantsHold();
    assertEquals(
        "Former member",
        database.ownerReads(
            "select full_name from public.users where id = '%s'".formatted(alice.id())));
    assertEquals("1", database.ownerReads("select count(*) from chat.erased_people"));
    assertEquals(
        alice.id() + "@erased.invalid {}",
        database.ownerReads(
            "select concat_ws(' ', user_name, external_id, attributes) from chat.provisioned_people where removed_at is not null"));

    call(erase(alice.id(), 500)); // again changes nothing
    assertEquals(before + 3, bob.conversation(conversation).getRevision());
    assertEquals("PT404", refusal(erase(NOBODY, 500)));
    assertEquals("PT400", refusal(erase(alice.id(), 0)));
  }

  @Test
  void webhooksAreToldNothingMoreOfWhatAnErasedPersonSaid() {
    database.asOwner(
        "select chat.add_webhook('desk', 'https://desk.example/', '{user_messages,message_reactions}')");
    UUID first = alice.sends(conversation, "my secret").getId();
    UUID second = bob.sends(conversation, "an answer").getId();
    alice.reacts(second, "👍");
    fillWebhooks();
    database.asOwner(
        "update chat.webhook_events set dead_at = now() where record like '%my secret%'");
    alice.edits(first, "my other secret"); // still in the log alone
    alice.sends(alice.talksTo(carol), "another secret");
    assertEquals(eventsWith("."), "" + export(alice.id()).get("webhook_events").size());
    assertEquals(0, export(mallory.id()).get("webhook_events").size());
    assertEquals("2", eventsWith("secret|👍"), "the control");

    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(alice.id()));
    call(erase(alice.id(), 1));
    assertEquals("0", eventsWith("secret|👍"));
    assertNotEquals("0", eventsWith("an answer"), "it is Bob's");
    fillWebhooks();
    assertEquals("0", eventsWith("secret|👍"), "what the log still had");
    assertNotEquals("0", eventsWith("an answer"));
    assertEquals(
        "2",
        database.ownerReads(
            "select count(distinct record::json ->> 'id') from chat.webhook_events where record::json ->> 'is_deleted' = 'true'"),
        "that they were blanked is told");

    database.asOwner(
        "update public.users set status = 'active' where id = '%s'".formatted(alice.id()));
    alice.sends(conversation, "I am back");
    fillWebhooks();
    assertEquals("1", eventsWith("I am back"), "what they say afterwards");
  }

  /** A step of the log that began before the person was erased is waited for. */
  @Test
  void anErasureWaitsForWhoReadsTheLogForWebhooks() throws Exception {
    database.asOwner("select chat.add_webhook('desk', 'https://desk.example/')");
    alice.sends(conversation, "my secret");
    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(alice.id()));
    Thread eraser = Thread.ofVirtual().unstarted(() -> call(erase(alice.id(), 500)));
    try (Connection reader = database.owner().connect();
        Statement statement = reader.createStatement()) {
      reader.setAutoCommit(false);
      statement.execute("select chat.fill_webhook_events()");
      eraser.start();
      Await.until(
          "it to wait",
          () ->
              database
                  .ownerReads(
                      "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'call chat.erase_person%'")
                  .equals("1"));
      reader.commit();
    }
    eraser.join(Await.PATIENCE);
    assertEquals("1", eventsWith("sender_id"));
    assertEquals("0", eventsWith("secret"));
  }

  private void fillWebhooks() {
    while (!database.ownerReads("select chat.fill_webhook_events()").equals("0")) {
      // until all is read
    }
  }

  /** Events that have the words. */
  private String eventsWith(String pattern) {
    return database.ownerReads(
        "select count(*) from chat.webhook_events where concat(record, old_record) ~ '%s'"
            .formatted(pattern));
  }

  // Legal hold.

  @Test
  void whatIsHeldIsNeitherErasedNorDeleted() {
    UUID message = alice.sends(conversation, "evidence").getId();
    String hold =
        database.ownerReads("select chat.place_hold('case 17', '%s')".formatted(bob.id()));
    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(alice.id()));

    assertEquals("PT409", refusal(erase(alice.id(), 500)));
    assertEquals(
        "PT409", refusal("delete from public.users where id = '%s'".formatted(alice.id())));
    assertEquals("PT409", refusal("delete from public.users where id = '%s'".formatted(bob.id())));
    assertEquals(
        "PT409",
        refusal("delete from public.user_conversations where id = '%s'".formatted(conversation)));
    assertEquals(
        "1",
        database.ownerReads(
            "select count(*) from public.user_messages where id = '%s' and content = 'evidence'"
                .formatted(message)));

    database.ownerReads("select chat.release_hold(%s)::text".formatted(hold));
    assertEquals("PT404", refusal("select chat.release_hold(%s)".formatted(hold)));
    call(erase(alice.id(), 500));
    database.asOwner("delete from public.users where id = '%s'".formatted(bob.id()));
    assertEquals(
        "0",
        database.ownerReads(
            "select count(*) from public.user_conversations where id = '%s'"
                .formatted(conversation)));
  }

  @Test
  void whatIsHeldIsKeptWhenItsSenderChangesIt() {
    UUID edited = alice.sends(conversation, "first").getId();
    UUID deleted = alice.sends(conversation, "second").getId();
    UUID elsewhere = carol.sends(carol.talksTo(bob), "free").getId();
    String hold =
        database.ownerReads(
            "select chat.place_hold('case 18', conversation_id => '%s')".formatted(conversation));

    alice.edits(edited, "changed");
    alice.deletes(deleted);
    carol.edits(elsewhere, "freely changed");
    assertEquals(
        List.of("first", "second"), column("select content from chat.held_texts order by id"));
    assertEquals(
        "", alice.messagesOf(conversation).getLast().getContent(), "its people notice nothing");

    database.ownerReads("select chat.release_hold(%s)::text".formatted(hold));
    assertEquals(List.of(), column("select content from chat.held_texts"));
  }

  @Test
  void whatIsHeldOutlastsEveryDelete() {
    alice.sends(conversation, "evidence");
    database.asOwner(
        "select chat.place_hold('case 19', conversation_id => '%s')".formatted(conversation));
    for (String way :
        List.of(
            "delete from public.user_messages",
            "delete from "
                + database.ownerReads("select tableoid::regclass from public.user_messages"),
            "truncate public.user_messages cascade",
            "truncate public.user_conversations cascade")) {
      assertEquals("PT409", refusal(way), way);
    }
    database.asOwner("select chat.release_hold(id) from chat.legal_holds");
    database.asOwner("delete from public.user_messages");
  }

  @Test
  void earlierTextsOfWhatIsHeldAreKeptWhenItIsTakenBack() {
    UUID message = alice.sends(conversation, "first").getId();
    alice.edits(message, "second");
    database.asOwner("select chat.place_hold('case 20', '%s')".formatted(alice.id()));
    alice.deletes(message);
    assertEquals(
        List.of("first", "second"), column("select content from chat.held_texts order by content"));
  }

  @Test
  void aHoldIsOnSomethingThatIsThere() {
    assertEquals("PT400", refusal("select chat.place_hold('why')"));
    assertEquals("PT400", refusal("select chat.place_hold('', '%s')".formatted(alice.id())));
    assertEquals(
        "PT400",
        refusal("select chat.place_hold('why', '%s', '%s')".formatted(alice.id(), conversation)));
    assertEquals("PT404", refusal("select chat.place_hold('why', '%s')".formatted(NOBODY)));
    assertEquals(
        "PT404",
        refusal("select chat.place_hold('why', conversation_id => '%s')".formatted(NOBODY)));
  }

  // The trail.

  @Test
  void theTrailIsOffUntilItIsSwitchedOn() {
    export(alice.id());
    database.asOwner("delete from public.user_messages");
    assertEquals(List.of(), trail());
  }

  @Test
  void whatOperatorsDoIsRecordedAndWhatPeopleDoIsNot() {
    database.asOwner("update chat.settings set audit = true");
    UUID message = alice.sends(conversation, "hi").getId();
    alice.edits(message, "hello");
    alice.deletes(message);
    assertEquals(List.of("UPDATE chat.settings"), trail());

    export(alice.id());
    database.asOwner("update public.user_messages set content = 'forged', is_deleted = false");
    database.asOwner("update public.user_messages set content = 'nobody' where false");
    database.asOwner("delete from public.user_conversations");
    database.asOwner("update chat.settings set audit = false");
    export(alice.id());
    assertEquals(
        List.of(
            "UPDATE chat.settings",
            "export_person",
            "UPDATE public.user_messages",
            "DELETE public.user_conversations",
            "DELETE public.user_messages", // by the foreign key
            "UPDATE chat.settings"),
        trail());
    assertEquals(
        "1",
        database.ownerReads(
            "select detail ->> 'rows' from chat.audit_log where action = 'UPDATE public.user_messages'"));
    assertEquals(
        "chat_owner",
        database.ownerReads(
            "select distinct login || coalesce(nullif(acting_as, login), '') from chat.audit_log"));
  }

  @Test
  void theTrailSeesPartitionsByTheirNames() {
    database.asOwner("update chat.settings set audit = true");
    alice.sends(conversation, "hi");
    database.asOwner("select chat.create_message_partition('2034-01-01')");
    List<String> expected = new ArrayList<>(List.of("UPDATE chat.settings"));
    for (String partition :
        List.of(
            database.ownerReads("select tableoid::regclass from public.user_messages"),
            "chat.user_messages_2034_01")) {
      boolean hasRows = !partition.endsWith("2034_01");
      database.asOwner("update %s set content = 'forged'".formatted(partition));
      database.asOwner("delete from only %s".formatted(partition));
      database.asOwner("truncate %s cascade".formatted(partition));
      if (hasRows) {
        expected.add("UPDATE " + partition);
        expected.add("DELETE " + partition);
      }
      expected.add("TRUNCATE " + partition);
    }
    assertEquals(
        expected, trail().stream().filter(entry -> !entry.startsWith("TRUNCATE public.")).toList());
  }

  /** Also as a person, whose session it would seem to be. */
  @Test
  void theTrailSeesOperatorsUnderClaimsOfTheirOwn() throws SQLException {
    database.asOwner("update chat.settings set audit = true");
    alice.sends(conversation, "hi");
    String claims = "set request.jwt.claims = '%s';".formatted(alice.caller().claims());
    database.asOwner(claims + "update public.user_messages set content = 'forged'");
    database.asOwner(claims + "set jit = off; delete from public.message_edits");
    String url = database.owner().url();
    String name = url.substring(url.lastIndexOf('/') + 1);
    try (Connection superuser =
            TestDatabase.server().at(TestDatabase.server().superuser(), name).connect();
        Statement statement = superuser.createStatement()) {
      statement.execute(
          "begin; set local role authenticated;"
              + claims
              + "select public.delete_message((select id from public.user_messages)); commit");
    }
    alice.sends(conversation, "another"); // the control: a person's
    alice.deletes(alice.messagesOf(conversation).getLast().getId());
    assertEquals(
        List.of(
            "UPDATE chat.settings", "UPDATE public.user_messages", "UPDATE public.user_messages"),
        trail());
    assertEquals(
        "chat_owner, postgres as authenticated",
        database.ownerReads(
            "select string_agg(login || case acting_as when login then '' else ' as ' || acting_as end, ', ' order by id) from chat.audit_log where action like '%messages'"));
  }

  @Test
  void theTrailIsNeverChanged() {
    database.asOwner("update chat.settings set audit = true");
    for (String change :
        List.of(
            "update chat.audit_log set action = 'nothing'",
            "delete from chat.audit_log",
            "truncate chat.audit_log")) {
      assertEquals("PT403", refusal(change));
    }
    assertEquals(1, trail().size());
  }

  // What a DBA looks at.

  @Test
  void aFreshDatabaseIsHealthyAndWhatIsNotSaysWhatToDo() {
    assertEquals(
        List.of(), column("select item || ': ' || value from chat.health where state <> 'ok'"));
    assertTrue(
        column("select item from chat.health")
            .containsAll(
                List.of(
                    "partition of this month",
                    "change log, size",
                    "longest transaction",
                    "invalid indexes",
                    "legal holds")));
    assertEquals(
        List.of(),
        column("select item from chat.health where state = 'ok' and remedy is not null"));

    for (String partition :
        column(
            "select inhrelid::regclass from pg_inherits where inhparent = 'public.user_messages'::regclass")) {
      database.asOwner(
          "alter table public.user_messages detach partition %1$s; drop table %1$s"
              .formatted(partition));
    }
    assertEquals(
        List.of("partition of this month: missing", "partitions ahead: 0 months"),
        column(
            "select item || ': ' || value from chat.health where state = 'alarm' and remedy like '%ensure_message_partitions%'"));
  }

  private List<String> trail() {
    return column("select action from chat.audit_log order by id");
  }

  private JsonNode export(UUID person) {
    return json(database.ownerReads("select chat.export_person('%s')::text".formatted(person)));
  }

  private static String erase(UUID person, int batch) {
    return "call chat.erase_person('%s', %s)".formatted(person, batch);
  }

  /** Outside a transaction, as a procedure that commits must be called. */
  private void call(String sql) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  private String refusal(String sql) {
    try (Connection connection = database.owner().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return "none";
    } catch (SQLException e) {
      assertFalse(e.getMessage().isBlank());
      return e.getSQLState();
    }
  }
}
