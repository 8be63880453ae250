package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_EDITS;
import static com.gptdesk.chat.jooq.Tables.MESSAGE_REACTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** {@code R__33_edit}: edited and taken back by its sender alone. */
class EditMessageRulesTest extends MessageRules {

  @Test
  void anEditKeepsWhatWasSaid() {
    MessageViewRecord sent = alice.sends(conversation, "helo");
    bob.reads(sent.getId());
    MessageViewRecord edited = alice.edits(sent.getId(), "hello");
    assertEquals("hello", edited.getContent());
    assertTrue(edited.getIsEdited());
    assertEquals(2, edited.getRevision());
    assertEquals(1, edited.getSentRevision());
    assertEquals(1, edited.getSeq());
    assertEquals(sent.getCreatedAt(), edited.getCreatedAt());
    assertTrue(edited.getUpdatedAt().isAfter(sent.getUpdatedAt()));
    assertEquals(json("[\"%s\"]".formatted(bob.id())), json(edited.getReadBy()));
    await();
    alice.edits(sent.getId(), "hello!");
    assertEquals(
        List.of("helo", "hello"),
        alice.does(
            tx ->
                tx.select(MESSAGE_EDITS.CONTENT)
                    .from(MESSAGE_EDITS)
                    .orderBy(MESSAGE_EDITS.ID)
                    .fetch(MESSAGE_EDITS.CONTENT)));
    assertEquals(edited.getSeq(), view(bob, conversation).getLastMessageSeq());
    assertEquals(
        "hello!", json(view(bob, conversation).getLastMessage()).path("content").asString());
    assertInvariantsHold();
  }

  @Test
  void theSameTextAgainChangesNothing() {
    MessageViewRecord sent = alice.sends(conversation, "hi");
    assertEquals("", log(() -> assertEquals(sent, alice.edits(sent.getId(), "hi"))));
    alice.sees(MESSAGE_EDITS).nothing();
    assertEquals(1, view(alice, conversation).getRevision());
  }

  @Test
  void onlyItsSenderChangesAMessage() {
    UUID message = alice.sends(conversation, "hi").getId();
    String senderOnly =
        """
        Alice    1
        Bob      PT404
        Carol    PT404
        Mallory  PT404
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT404
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody("select public.edit_message('%s', 'x')".formatted(message), senderOnly);
    everybody("select public.delete_message('%s')".formatted(message), senderOnly);
    alice.isRefused(() -> alice.edits(NOBODY, "x"), "PT404");
    alice.isRefused(() -> alice.deletes(NOBODY), "PT404");
    alice.isRefused(
        () -> alice.tries(tx -> tx.execute("select public.edit_message(null, 'x')")), "PT404");
  }

  @Test
  void anEditIsCheckedLikeASend() {
    UUID message = alice.sends(conversation, "hi").getId();
    for (String nothing : new String[] {"", " \n", null}) {
      alice.isRefused(() -> alice.edits(message, nothing), "PT400");
    }
    alice.isRefused(() -> alice.edits(message, "x".repeat(1001)), "PT413");
    UUID image = file("image", "https://example.org/a", null, null).getId();
    assertEquals("", alice.edits(image, "").getContent());
    alice.isRefused(() -> alice.edits(image, null), "PT400");
  }

  @Test
  void aDeletedMessageIsBlankAndKeepsItsNumber() {
    UUID id = file("image", "https://example.org/a", "a.png", 5L).getId();
    UUID next = alice.sends(conversation, "next").getId();
    alice.edits(id, "caption");
    bob.reacts(id, "👍");
    alice.reacts(id, "🙂");
    bob.reads(id);
    MessageViewRecord deleted = alice.deletes(id);
    assertEquals("", deleted.getContent());
    assertNull(deleted.getFileUrl());
    assertNull(deleted.getFileName());
    assertNull(deleted.getFileSize());
    assertEquals("{}", deleted.getMetadata().data());
    assertEquals(List.of(), deleted.getReactions());
    assertTrue(deleted.getIsDeleted());
    assertEquals(1, deleted.getSeq());
    assertEquals(6, deleted.getRevision());
    alice.sees(MESSAGE_EDITS).nothing();
    bob.sees(MESSAGE_REACTIONS).nothing();
    assertEquals(List.of(1L, 2L), seqs(bob.messagesOf(conversation)));
    assertEquals(
        next.toString(), json(view(bob, conversation).getLastMessage()).path("id").asString());

    assertEquals("", log(() -> assertEquals(deleted, alice.deletes(id)))); // again changes nothing
    alice.isRefused(() -> alice.edits(id, "x"), "PT409");
    assertInvariantsHold();
  }
}
