package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** {@code R__31_send}: who may send to whom, and once for each id. */
class SendMessageRulesTest extends MessageRules {

  @Test
  void onlyTheTwoSend() {
    everybody(
        "select public.send_message('%s', 'hi')".formatted(conversation),
        """
        Alice    1
        Bob      1
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    alice.isRefused(() -> alice.sends(NOBODY, "hi"), "PT403");
    alice.isRefused(() -> send(alice, m -> m.setConversationId((UUID) null)), "PT403");
    alice.sees(USER_MESSAGES).nothing();
  }

  @Test
  void aRefusedSendLeavesNoTrace() {
    bob.blocks(alice.id());
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    bob.unblocks(alice.id());
    assertEquals(1, alice.sends(conversation, "hi").getSeq());
    assertInvariantsHold();
  }

  @Test
  void theSameIdAgainIsTheSameMessage() {
    UUID id = uuid7(Instant.now());
    MessageViewRecord first = alice.sends(id, conversation, "hi");
    assertEquals(id, first.getId());
    assertEquals(first, alice.sends(id, conversation, "hi"));
    assertEquals(first, alice.sends(id, conversation, "what it says now does not matter"));
    assertEquals(2, bob.sends(conversation, "hello").getSeq()); // a retry takes no number
    alice.edits(id, "hi!");
    assertEquals("hi!", alice.sends(id, conversation, "hi").getContent()); // as it is now
    alice.deletes(id);
    assertTrue(alice.sends(id, conversation, "hi").getIsDeleted());
    assertInvariantsHold();
  }

  @Test
  void aRetryFindsItsMessageEvenWhenOneMayNoLongerWrite() {
    UUID id = uuid7(Instant.now());
    MessageViewRecord first = alice.sends(id, conversation, "hi");
    bob.blocks(alice.id());
    assertEquals(first, alice.sends(id, conversation, "hi"));
    alice.isRefused(() -> alice.sends(uuid7(Instant.now()), conversation, "hi"), "PT403");
  }

  @Test
  void aRetryLogsNothing() {
    UUID id = uuid7(Instant.now());
    assertEquals(
        "INSERT user_messages for Alice, Bob", log(() -> alice.sends(id, conversation, "hi")));
    assertEquals("", log(() -> alice.sends(id, conversation, "hi")));
  }

  @Test
  void othersIdsAreTaken() {
    UUID id = uuid7(Instant.now());
    alice.sends(id, conversation, "hi");
    bob.isRefused(() -> bob.sends(id, conversation, "hi"), "PT409"); // the other person
    UUID withCarol = alice.talksTo(carol);
    alice.isRefused(() -> alice.sends(id, withCarol, "hi"), "PT409"); // the same person elsewhere
    carol.isRefused(() -> carol.sends(id, withCarol, "hi"), "PT409");
    mallory.isRefused(() -> mallory.sends(id, conversation, "hi"), "PT409");
    alice.sees(USER_MESSAGES).rows(1);
    assertEquals(1, carol.sends(withCarol, "hi").getSeq()); // no number was lost
    assertInvariantsHold();
  }

  @Test
  void theMomentOfAnIdIsNotThatOfTheTransaction() {
    // A transaction may last: what counts is when the message is sent in it, else the database's
    // own ids would be of the future.
    alice.tries(
        tx -> {
          Instant begun = tx.fetchSingle("select now()").get(0, Instant.class);
          while (Instant.now().isBefore(begun.plusMillis(20))) {
            Thread.onSpinWait();
          }
          UUID ofNow = uuid7(Instant.now().plus(Duration.ofMinutes(5)));
          assertEquals(
              ofNow,
              tx.fetchSingle(
                      "select (public.send_message(?, 'hi', id => ?)).id", conversation, ofNow)
                  .get(0));
        });
    alice.sees(USER_MESSAGES).rows(1);
  }

  @Test
  void whoMayNoLongerWriteStillReads() {
    alice.sends(conversation, "hi");
    database.asOwner("update public.users set team_id = null where id = '" + bob.id() + "'");
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    bob.isRefused(() -> bob.sends(conversation, "hi"), "PT403");
    alice.sees(USER_MESSAGES).rows(1);
    bob.sees(USER_MESSAGES).rows(1);
    assertEquals(0, bob.readsUpTo(conversation, null));
  }

  @Test
  void nobodyWritesToWhoIsNotActive() {
    database.asOwner("update public.users set status = 'inactive' where id = '" + bob.id() + "'");
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    bob.isRefused(() -> bob.sends(conversation, "hi"), "PT403");
    database.asOwner("update public.users set status = 'active' where id = '" + bob.id() + "'");
    alice.sends(conversation, "hi");
  }

  @Test
  void aBlockStopsBothWays() {
    MessageViewRecord before = alice.sends(conversation, "hi");
    bob.blocks(alice.id());
    String blocked = alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403").getMessage();
    String blocking = bob.isRefused(() -> bob.sends(conversation, "hi"), "PT403").getMessage();
    assertNotEquals(blocked, blocking); // each is told why
    alice.isRefused(() -> alice.edits(before.getId(), "rude"), "PT403");
    alice.deletes(before.getId()); // but may take back
    bob.unblocks(alice.id());
    alice.sends(conversation, "hi");
  }
}
