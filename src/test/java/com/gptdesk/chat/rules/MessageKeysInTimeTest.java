package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.testing.TestDatabase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * As {@link MessageKeysRulesTest}, when time has passed: retries much later, retention, erasure.
 */
class MessageKeysInTimeTest extends Rules {

  private static final Instant NOW = Instant.now();

  private final UUID conversation = alice.talksTo(bob);

  MessageKeysInTimeTest() {
    super(TestDatabase.fresh()); // older months are made and dropped
  }

  @Test
  void aKeyIsForOneConversation() {
    UUID withCarol = alice.talksTo(carol);
    UUID key = UUID.randomUUID();
    alice.sends(key, conversation, "hi");
    alice.isRefused(() -> alice.sends(key, withCarol, "hi"), "PT409");
    assertEquals(1, carol.sends(withCarol, "hi").getSeq()); // no number was lost
    UUID id = MessageRules.uuid7(Instant.now());
    alice.sends(id, conversation, "hi");
    UUID old = move(id, Duration.ofDays(2));
    alice.isRefused(() -> alice.sends(old, withCarol, "hi"), "PT409");
    assertInvariantsHold();
  }

  @Test
  void othersOldIdsAreNoConcernOfOnes() {
    UUID id = MessageRules.uuid7(Instant.now());
    alice.sends(id, conversation, "hi");
    bob.isRefused(() -> bob.sends(id, conversation, "hi"), "PT409");
    UUID old = move(id, Duration.ofDays(2));
    MessageViewRecord bobs = bob.sends(old, conversation, "hello");
    assertEquals("hello", bobs.getContent());
    assertEquals(old, bobs.getClientId());
    assertEquals("hi", alice.sends(old, conversation, "?").getContent());
    assertInvariantsHold();
  }

  @Test
  void anIdThatWasOfThisMomentFindsItsMessageLater() {
    for (long days : new long[] {1, 2, 29, 300}) {
      UUID id = MessageRules.uuid7(Instant.now());
      MessageViewRecord sent = alice.sends(id, conversation, "hi");
      UUID old = move(id, Duration.ofDays(days).plusMinutes(1));
      MessageViewRecord again = alice.sends(old, conversation, "hi");
      assertEquals(old, again.getId());
      assertEquals(sent.getSeq(), again.getSeq());
      assertNull(again.getClientId());
    }
    assertEquals("0", keys());
  }

  @Test
  void aKeyIsForgottenAfterItsDays() {
    UUID old = UUID.randomUUID();
    UUID kept = UUID.randomUUID();
    UUID oldMessage = alice.sends(old, conversation, "hi").getId();
    UUID keptMessage = alice.sends(kept, conversation, "hi").getId();
    move(oldMessage, Duration.ofDays(91));
    move(keptMessage, Duration.ofDays(89));
    assertEquals("forgot", step());
    assertNull(step());
    assertEquals("1", keys());
    assertEquals("hi", alice.sends(kept, conversation, "?").getContent());
    assertEquals("?", alice.sends(old, conversation, "?").getContent()); // sent anew
    for (int days : new int[] {0, 29, 3651}) {
      assertThrows(
          IllegalStateException.class,
          () -> database.asOwner("update chat.settings set message_key_days = " + days));
    }
    database.asOwner("update chat.settings set message_key_days = 30");
    assertEquals("forgot", step());
    assertEquals("1", keys());
  }

  @Test
  void keysAreForgottenSomeAtATime() {
    database.asOwner("select chat.create_message_partition((now() - interval '100 days')::date)");
    database.asOwner(
        """
        with sent as (
          insert into public.user_messages (id, conversation_id, sender_id, recipient_id, content, seq, sent_revision, revision, client_id)
          select
            overlay(chat.uuid7_floor(now() - interval '100 days')::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
            '%1$s', '%2$s', '%3$s', 'hi', n, n, n, gen_random_uuid()
          from generate_series(1, 5001) n
          returning id, sender_id, client_id
        )
        insert into chat.message_keys (sender_id, key, message_id)
        select sender_id, client_id, id
        from sent
        """
            .formatted(conversation, alice.id(), bob.id()));
    assertEquals("5001", keys());
    assertEquals("forgot", step());
    assertEquals("1", keys());
    assertEquals("forgot", step());
    assertNull(step());
  }

  @Test
  void aKeyGoesWithItsMessageAndItsPerson() {
    UUID withCarol = alice.talksTo(carol);
    UUID key = UUID.randomUUID();
    UUID dropped = alice.sends(key, conversation, "hi").getId();
    bob.sends(UUID.randomUUID(), conversation, "hi");
    carol.sends(UUID.randomUUID(), withCarol, "hi");
    move(dropped, Duration.ofDays(40));
    database.asOwner("update chat.settings set retention_days = 1");
    String done;
    do {
      done = step();
    } while (done != null);
    assertEquals("2", keys());
    // Nothing of it is left, so nothing can be found: it is sent.
    assertEquals("again", alice.sends(key, conversation, "again").getContent());
    database.asOwner("delete from public.users where id = '%s'".formatted(bob.id()));
    assertEquals("1", keys());
    assertInvariantsHold();
  }

  @Test
  void anErasedPersonLeavesNoKey() {
    UUID key = UUID.randomUUID();
    Instant written = NOW.minus(Duration.ofDays(3));
    alice.sends(key, conversation, "written", written);
    alice.deletes(alice.sends(UUID.randomUUID(), conversation, "written", written).getId());
    bob.sends(UUID.randomUUID(), conversation, "of Bob");
    JsonNode message =
        json(database.ownerReads("select chat.export_person('%s')::text".formatted(alice.id())))
            .get("messages")
            .get(0);
    assertEquals(key.toString(), message.get("client_id").asString());
    assertTrue(message.get("written_at").isString());
    database.asOwner(
        "update public.users set status = 'inactive' where id = '%s'".formatted(alice.id()));
    database.asOwner("call chat.erase_person('%s')".formatted(alice.id()));
    assertEquals("1", keys());
    assertEquals(
        List.of("f", "f", "t"),
        column(
            "select client_id is not null or written_at is not null from public.user_messages order by seq"));
    assertInvariantsHold();
  }

  // Helpers.

  private String keys() {
    return database.ownerReads("select count(*) from chat.message_keys");
  }

  private String step() {
    return database
        .chat()
        .as(
            ServiceDatabase.RELAY,
            tx -> tx.fetchSingle("select chat.apply_retention()").get(0, String.class));
  }

  /** As if a message had been sent so long ago: its new id. */
  private UUID move(UUID message, Duration ago) {
    Instant then = Instant.now().minus(ago);
    UUID old = MessageRules.uuid7(then);
    database.asOwner(
        "select chat.create_message_partition('%s'::timestamptz::date)".formatted(then));
    database.asOwner(
        """
        begin;
        create temp table k on commit drop as select * from chat.message_keys where message_id = '%1$s';
        delete from chat.message_keys where message_id = '%1$s';
        alter table public.user_messages disable trigger number_message;
        update public.user_messages set id = '%2$s' where id = '%1$s';
        alter table public.user_messages enable trigger number_message;
        update public.user_conversations set last_message_id = '%2$s' where last_message_id = '%1$s';
        insert into chat.message_keys select sender_id, key, '%2$s' from k;
        commit
        """
            .formatted(message, old));
    return old;
  }
}
