package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_EDITS;
import static com.gptdesk.chat.jooq.Tables.MESSAGE_REACTIONS;
import static com.gptdesk.chat.jooq.Tables.USER_MESSAGES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.routines.SendMessage;
import com.gptdesk.chat.jooq.udt.records.MessageMatchRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code logic/messages}: sent, numbered, edited, taken back, read, found. */
class MessagesRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);

  // The tables.

  @Test
  void bothPeopleOfAConversationSeeItsMessages() {
    alice.sends(conversation, "hi");
    everybody(
        "select * from public.user_messages",
        """
        Alice    1
        Bob      1
        Carol    0
        Mallory  0
        Ivan     0
        Stranger 0
        No one   0
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  1
        Relay    42501
        """);
  }

  @Test
  void aPlainInsertIsASend() {
    // As oneself, in a conversation of one's own; the trigger speaks before the policy.
    String insert =
        "insert into public.user_messages (conversation_id, sender_id, content) values ('%s', '%s', '%s') returning id";
    everybody(
        insert.formatted(conversation, alice.id(), "hi"),
        """
        Alice    1
        Bob      PT403
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   PT403
        Garbled  22P02
        Anon     42501
        Service  1
        Relay    42501
        """);
    everybody(insert.formatted(conversation, carol.id(), "hi"), "Carol    PT403\nService  PT403");
    everybody(insert.formatted(NOBODY, alice.id(), "hi"), "Alice    PT403\nService  PT403");
    everybody(insert.formatted(conversation, alice.id(), " "), "Alice    PT400");
    everybody(insert.formatted(conversation, alice.id(), "x".repeat(1001)), "Alice    PT413");
    bob.blocks(alice.id());
    everybody(insert.formatted(conversation, alice.id(), "hi"), "Alice    PT403\nService  PT403");
  }

  @Test
  void aPlainInsertIsNumberedLikeASend() {
    alice.tries(
        tx ->
            tx.execute(
                "insert into public.user_messages (conversation_id, sender_id, content) values (?, ?, 'one'), (?, ?, 'two')",
                conversation,
                alice.id(),
                conversation,
                alice.id()));
    MessageViewRecord three = bob.sends(conversation, "three");
    assertEquals(List.of(1L, 2L, 3L), seqs(alice.messagesOf(conversation)));
    assertEquals(3, three.getRevision());
    assertInvariantsHold();
  }

  @Test
  void nobodySetsWhatIsTheDatabasesToSet() {
    for (String column :
        List.of(
            "id",
            "created_at",
            "updated_at",
            "is_edited",
            "is_deleted",
            "read_by",
            "recipient_id",
            "seq",
            "sent_revision",
            "revision",
            "written_at",
            "client_id")) {
      everybody(
          "insert into public.user_messages (conversation_id, sender_id, content, %s) values ('%s', '%s', 'hi', default)"
              .formatted(column, conversation, alice.id()),
          "Alice    42501\nService  42501");
    }
  }

  @Test
  void nobodyUpdatesOrDeletesMessagesByHand() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
    String nobody =
        """
        Alice    42501
        Bob      42501
        Carol    42501
        Mallory  42501
        Ivan     42501
        Anon     42501
        Service  42501
        Relay    42501
        """;
    for (String change :
        List.of(
            "content = 'x'",
            "read_by = '[]'",
            "is_deleted = true",
            "sender_id = sender_id",
            "seq = 7")) {
      everybody("update public.user_messages set " + change, nobody);
    }
    everybody("delete from public.user_messages", nobody);
    everybody("update public.message_edits set content = ''", nobody);
    everybody("delete from public.message_edits", nobody);
    everybody(
        "insert into public.message_edits (message_id, sender_id, content) values ('%s', '%s', 'never said')"
            .formatted(message.getId(), alice.id()),
        nobody);
    bob.sees(USER_MESSAGES).rows(1);
  }

  @Test
  void aPartitionIsNoWayIn() {
    alice.sends(conversation, "hi");
    String partition = database.ownerReads("select tableoid::regclass from public.user_messages");
    String nobody =
        "Alice    42501\nBob      42501\nMallory  42501\nAnon     42501\nService  42501\nRelay    42501";
    assertEquals("1", database.ownerReads("select count(*) from " + partition));
    everybody("select * from " + partition, nobody);
    everybody("insert into " + partition + " default values", nobody);
    everybody("update " + partition + " set content = 'x'", nobody);
    everybody("delete from " + partition, nobody);
    everybody("truncate " + partition, nobody);
    everybody("truncate public.user_messages cascade", nobody);
  }

  @Test
  void earlierTextsAreForTheirSender() {
    MessageViewRecord message = alice.sends(conversation, "hi");
    alice.edits(message.getId(), "hello");
    everybody(
        "select * from public.message_edits",
        """
        Alice    1
        Bob      0
        Carol    0
        Mallory  0
        Ivan     0
        Stranger 0
        No one   0
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  1
        Relay    42501
        """);
  }

  // send_message

  @Test
  void aMessageIsNumberedAndComplete() {
    MessageViewRecord one = alice.sends(conversation, "hi 👋");
    MessageViewRecord two = bob.sends(conversation, "hello");
    assertEquals(conversation, one.getConversationId());
    assertEquals(alice.id(), one.getSenderId());
    assertEquals(bob.id(), one.getRecipientId());
    assertEquals("hi 👋", one.getContent());
    assertEquals("text", one.getMessageType());
    assertEquals(1, one.getSeq());
    assertEquals(1, one.getSentRevision());
    assertEquals(1, one.getRevision());
    assertEquals(one.getCreatedAt(), one.getUpdatedAt());
    assertFalse(one.getIsEdited());
    assertFalse(one.getIsDeleted());
    assertEquals(List.of(), one.getReadBy());
    assertEquals("{}", one.getMetadata().data());
    assertEquals(7, one.getId().version());
    assertEquals(
        json(
            "{\"id\":\"%s\",\"full_name\":\"Alice Adams\",\"avatar_url\":null}"
                .formatted(alice.id())),
        json(one.getSender()));
    assertEquals(List.of(), one.getReactions());
    assertEquals(2, two.getSeq());
    assertEquals(alice.id(), two.getRecipientId());
    assertTrue(two.getCreatedAt().isAfter(one.getCreatedAt()));
    assertEquals(one, alice.messagesOf(conversation).getFirst());
    assertEquals(one, bob.messagesOf(conversation).getFirst());
    assertInvariantsHold();
  }

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
  void aTextIsNeverEmptyNorTooLong() {
    for (String nothing : new String[] {"", " ", "\t\n ", null}) {
      alice.isRefused(() -> alice.sends(conversation, nothing), "PT400");
    }
    alice.sends(conversation, "👋".repeat(1000)); // characters, not bytes
    alice.isRefused(() -> alice.sends(conversation, "x".repeat(1001)), "PT413");
    database.asOwner("update chat.settings set max_message_length = 5");
    alice.sends(conversation, "12345");
    alice.isRefused(() -> alice.sends(conversation, "123456"), "PT413");
    database.asOwner("update chat.settings set max_message_length = 100000");
    alice.sends(conversation, "x".repeat(100_000));
    alice.isRefused(() -> alice.sends(conversation, "x".repeat(100_001)), "PT413");
  }

  @Test
  void anAttachmentFitsItsType() {
    // A text has none.
    alice.isRefused(() -> send(alice, m -> m.setFileUrl("https://example.org/a.png")), "23514");
    alice.isRefused(() -> send(alice, m -> m.setFileName("a.png")), "23514");
    alice.isRefused(() -> send(alice, m -> m.setFileSize(1L)), "23514");
    // A file or image has an address of http or https; its text may be empty, but not missing.
    for (String type : List.of("file", "image")) {
      alice.isRefused(() -> send(alice, m -> m.setMessageType(type)), "23514");
      for (String url :
          List.of(
              "javascript:alert(1)",
              "ftp://example.org/a",
              "//example.org/a",
              "https://",
              "http:// a",
              "",
              " https://example.org/a",
              "https://example.org/a b",
              "https://example.org/a\nb",
              "x\nhttps://example.org/a",
              "https://example.org/" + "a".repeat(2048))) {
        alice.isRefused(() -> file(type, url, "a", 1L), "23514");
      }
      alice.isRefused(() -> file(type, "https://example.org/a", "a", -1L), "23514");
      alice.isRefused(() -> file(type, "https://example.org/a", "", 1L), "23514");
      alice.isRefused(() -> file(type, "https://example.org/a", "a".repeat(256), 1L), "23514");
      MessageViewRecord sent = file(type, "HTTPS://example.org/a?b=c#d", "a.png", 0L);
      assertEquals("HTTPS://example.org/a?b=c#d", sent.getFileUrl());
      assertEquals("a.png", sent.getFileName());
      assertEquals(0, sent.getFileSize());
      file(type, "http://example.org/a", null, null);
      alice.isRefused(
          () ->
              send(
                  alice,
                  m -> {
                    m.setMessageType(type);
                    m.setFileUrl("https://example.org/a");
                    m.setContent((String) null);
                  }),
          "PT400");
    }
    alice.isRefused(() -> file("video", "https://example.org/a", "a", 1L), "23514");
    alice.isRefused(() -> file("", "https://example.org/a", "a", 1L), "23514");
    assertEquals("text", send(alice, m -> m.setMessageType((String) null)).getMessageType());
  }

  @Test
  void metadataIsAnObjectOfBoundedSize() {
    assertEquals(
        json("{\"a\":[1]}"),
        json(send(alice, m -> m.setMetadata(JSONB.jsonb("{\"a\":[1]}"))).getMetadata()));
    assertEquals("{}", send(alice, m -> m.setMetadata((JSONB) null)).getMetadata().data());
    for (String other : List.of("null", "[]", "1", "\"a\"")) {
      alice.isRefused(() -> send(alice, m -> m.setMetadata(JSONB.jsonb(other))), "23514");
    }
    String fits = "{\"a\": \"%s\"}".formatted("x".repeat(16384 - 9));
    send(alice, m -> m.setMetadata(JSONB.jsonb(fits)));
    alice.isRefused(
        () -> send(alice, m -> m.setMetadata(JSONB.jsonb(fits.replace("x\"", "xx\"")))), "23514");
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
  void idsOfOursSortByTime() {
    List<UUID> ids = new ArrayList<>();
    for (int n = 0; n < 20; n++) {
      ids.add(alice.sends(conversation, "hi").getId());
      await();
    }
    assertEquals(
        ids.stream().map(UUID::toString).sorted().toList(),
        ids.stream().map(UUID::toString).toList());
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

  // get_messages and get_changes

  @Test
  void aPageIsForTheTwo() {
    alice.sends(conversation, "hi");
    for (String function : List.of("get_messages('%s')", "get_changes('%s', 0)")) {
      everybody(
          "select * from public." + function.formatted(conversation),
          """
          Alice    1
          Bob      1
          Carol    0
          Mallory  0
          Ivan     0
          Stranger 0
          No one   0
          Forger   0
          Garbled  22P02
          Anon     42501
          Service  1
          Relay    42501
          """);
    }
    assertEquals(
        "Alice Adams",
        asks(
            gptDesk,
            "select sender ->> 'full_name' from public.get_messages('%s')"
                .formatted(conversation)));
  }

  @Test
  void pagesGoByNumberWithoutGapsOrRepeats() {
    IntStream.rangeClosed(1, 23)
        .forEach(n -> (n % 2 == 0 ? alice : bob).sends(conversation, "no. " + n));
    List<Long> all = IntStream.rangeClosed(1, 23).mapToObj(n -> (long) n).toList();
    assertEquals(all, seqs(page(null, null, 200)));
    assertEquals(all.subList(18, 23), seqs(page(null, null, 5))); // the newest, ascending
    assertEquals(all.subList(4, 9), seqs(page(10L, null, 5)));
    assertEquals(all.subList(10, 15), seqs(page(null, 10L, 5)));
    assertEquals(List.of(), page(1L, null, 5));
    assertEquals(List.of(), page(null, 23L, 5));
    assertEquals(all.subList(0, 5), seqs(page(null, -7L, 5)));
    assertEquals(List.of(), page(-7L, null, 5));
    assertEquals(all.subList(18, 23), seqs(page(Long.MAX_VALUE, null, 5)));
    for (int size : new int[] {1, 2, 5, 23, 24}) {
      List<Long> forward = new ArrayList<>();
      for (List<Long> page = seqs(page(null, 0L, size));
          !page.isEmpty();
          page = seqs(page(null, forward.getLast(), size))) {
        forward.addAll(page);
      }
      assertEquals(all, forward);
      List<Long> backward = new ArrayList<>();
      for (List<Long> page = seqs(page(null, null, size));
          !page.isEmpty();
          page = seqs(page(backward.getFirst(), null, size))) {
        backward.addAll(0, page);
      }
      assertEquals(all, backward);
    }
  }

  @Test
  void aPageThatCannotBeIsRefused() {
    alice.isRefused(() -> page(1L, 1L, 50), "PT400");
    for (Integer size : new Integer[] {0, -1, 201, null}) {
      alice.isRefused(() -> page(null, null, size), "PT400");
      alice.isRefused(() -> page(null, 1L, size), "PT400");
      alice.isRefused(() -> changes(alice, 0L, size), "PT400");
    }
    alice.isRefused(() -> changes(alice, null, 50), "PT400");
  }

  @Test
  void changesAreWhatCameAfterARevision() {
    UUID one = alice.sends(conversation, "one").getId(); // 1
    UUID two = bob.sends(conversation, "two").getId(); // 2
    UUID three = alice.sends(conversation, "three").getId(); // 3
    alice.edits(one, "first"); // 4
    bob.reacts(three, "👍"); // 5
    bob.deletes(two); // 6
    bob.reads(one, three); // no change of a message
    assertEquals(6, view(alice, conversation).getRevision());
    List<MessageViewRecord> changes = changes(bob, 3L, 200);
    assertEquals(List.of(4L, 5L, 6L), revisions(changes));
    assertEquals(List.of(one, three, two), changes.stream().map(MessageViewRecord::getId).toList());
    assertEquals(
        List.of("first", "three", ""),
        changes.stream().map(MessageViewRecord::getContent).toList());
    assertEquals(
        json("[{\"reaction\":\"👍\",\"user_ids\":[\"%s\"]}]".formatted(bob.id())),
        json(changes.get(1).getReactions()));
    assertEquals(
        List.of(1L, 3L, 2L), changes.stream().map(MessageViewRecord::getSentRevision).toList());
    assertEquals(List.of(), changes(alice, 6L, 200));
    assertEquals(List.of(4L, 5L), revisions(changes(alice, 0L, 2)));
    assertEquals(List.of(6L), revisions(changes(alice, 5L, 2)));
    assertInvariantsHold();
  }

  // edit_message and delete_message

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

  // mark_as_read and mark_conversation_as_read

  @Test
  void markingAMessageReadsAllBeforeIt() {
    List<UUID> ids = sendsFive();
    assertEquals(2, bob.reads(ids.get(2)));
    assertEquals(3, view(bob, conversation).getReadSeq());
    assertEquals(2, view(bob, conversation).getUnreadCount());
    assertEquals(2, bob.reads(ids.get(0))); // never back
    assertEquals(3, view(bob, conversation).getReadSeq());
    assertEquals(0, bob.reads(ids.get(4), ids.get(3)));
    assertEquals(3, view(alice, conversation).getRevision() - 2); // reads do not count
    assertEquals(List.of(true, false, true, true, true), readByBob());
    assertInvariantsHold();
  }

  @Test
  void aReaderIsInReadByOnce() {
    List<UUID> ids = sendsFive();
    bob.reads(ids.get(0), ids.get(0));
    bob.reads(ids.get(0));
    bob.readsUpTo(conversation, null);
    bob.reads(ids.toArray(UUID[]::new));
    assertEquals(List.of(true, true, true, true, true), readByBob());
    assertEquals(
        "5",
        database.ownerReads("select sum(jsonb_array_length(read_by)) from public.user_messages"));
  }

  @Test
  void senderAndStrangerAreNotInReadBy() {
    List<UUID> ids = sendsFive();
    assertEquals(0, alice.reads(ids.toArray(UUID[]::new)));
    assertEquals(0, mallory.reads(ids.toArray(UUID[]::new))); // passed over
    assertEquals(0, carol.reads(ids.toArray(UUID[]::new)));
    assertEquals(0, bob.reads(NOBODY));
    assertEquals(0, bob.reads());
    assertEquals(List.of(false, false, false, false, false), readByBob());
    assertEquals(5, view(bob, conversation).getUnreadCount());
  }

  @Test
  void whatIsUnreadIsCountedInTheConversationsTouched() {
    List<UUID> ids = sendsFive();
    UUID withCarol = carol.talksTo(bob);
    UUID hers = carol.sends(withCarol, "one").getId();
    carol.sends(withCarol, "two");
    assertEquals(4, bob.reads(ids.get(0)));
    assertEquals(1, bob.reads(hers));
    assertEquals(4 + 1, bob.reads(hers, ids.get(0)));
    bob.sends(conversation, "whoever sends has read");
    assertEquals(1, bob.reads(hers, ids.get(0)));
    assertEquals(1, view(alice, conversation).getUnreadCount());
  }

  @Test
  void aConversationIsReadUpToANumber() {
    sendsFive();
    assertEquals(3, bob.readsUpTo(conversation, 2L));
    assertEquals(List.of(true, true, false, false, false), readByBob());
    assertEquals(3, bob.readsUpTo(conversation, 1L)); // never back
    assertEquals(3, bob.readsUpTo(conversation, -5L));
    assertEquals(0, bob.readsUpTo(conversation, 99L)); // what was not sent is not read
    assertEquals(5, view(bob, conversation).getReadSeq());
    alice.sends(conversation, "six");
    assertEquals(1, view(bob, conversation).getUnreadCount());
    assertEquals(0, bob.readsUpTo(conversation, null));
    assertEquals(5, view(alice, conversation).getLastMessageSeq() - 1);
    assertInvariantsHold();
  }

  @Test
  void onlyTheTwoReadAConversation() {
    sendsFive();
    everybody(
        "select public.mark_conversation_as_read('%s')".formatted(conversation),
        """
        Alice    1
        Bob      1
        Carol    PT403
        Mallory  PT403
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    everybody(
        "select public.mark_as_read('{}')",
        """
        Alice    1
        Mallory  1
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
    assertEquals(5, view(bob, conversation).getUnreadCount());
  }

  @Test
  void aListToMarkHasAtMostAThousandIds() {
    UUID[] many = IntStream.range(0, 1001).mapToObj(n -> new UUID(7, n)).toArray(UUID[]::new);
    bob.isRefused(() -> bob.reads(many), "PT400");
    assertEquals(0, bob.reads(java.util.Arrays.copyOf(many, 1000)));
    bob.isRefused(() -> bob.reads((UUID[]) null), "PT400");
  }

  // search_messages

  @Test
  void searchFindsOnesOwnMessagesSentAndReceived() {
    alice.sends(conversation, "Lunch at noon?");
    await();
    bob.sends(conversation, "No lunch today");
    UUID withCarol = bob.talksTo(carol);
    bob.sends(withCarol, "lunch with Carol");
    assertEquals(List.of("No lunch today", "Lunch at noon?"), found(alice, "LUNCH"));
    assertEquals(3, found(bob, "lunch").size());
    assertEquals(List.of("lunch with Carol"), found(carol, "lunch"));
    assertEquals(List.of(), found(mallory, "lunch"));
    everybody(
        "select * from public.search_messages('lunch')",
        """
        Alice    2
        Bob      3
        Carol    1
        Mallory  0
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Forger   0
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
  }

  @Test
  void searchGoesByWholeWordsAllOfThem() {
    alice.sends(conversation, "The quick brown fox, über alles: пример 例");
    for (String query :
        List.of("quick", "FOX the", "Über", "ПРИМЕР", "brown & !fox", "quick | slow'")) {
      assertEquals(query.contains("slow") ? 0 : 1, found(alice, query).size(), query);
    }
    for (String query : List.of("qui", "quick slow", "foxes")) {
      assertEquals(List.of(), found(alice, query), query);
    }
    alice.sends(conversation, "<b>bold</b> a<c>d"); // text, not HTML
    for (String query : List.of("b", "bold", "<b>", "c", "d", "<bold>")) {
      assertEquals(1, found(alice, query).size(), query);
    }
  }

  @Test
  void aSearchNeedsAWord() {
    for (String nothing : new String[] {"", "  ", "!?&|", "'", "<>", null}) {
      alice.isRefused(() -> found(alice, nothing), "PT400");
    }
    for (Integer size : new Integer[] {0, 201, null}) {
      alice.isRefused(() -> search(alice, "nothing", null, null, size), "PT400");
    }
    assertEquals(List.of(), found(alice, "w ".repeat(500)));
    alice.isRefused(() -> found(alice, "w ".repeat(50_000)), "PT413");
  }

  @Test
  void aPersonsIdInATextIsNoWayIn() {
    // The index holds both people of a message as words.
    UUID withCarol = bob.talksTo(carol);
    bob.sends(withCarol, "secret of " + alice.id());
    assertEquals(List.of(), found(alice, "secret"));
    assertEquals(List.of(), found(alice, "secret " + alice.id()));
    assertEquals(List.of(), found(alice, bob.id().toString()));
    assertEquals(1, found(carol, "secret " + alice.id()).size());
    alice.sends(conversation, "plain");
    assertEquals(
        List.of(),
        found(alice, "plain " + alice.id())); // an id is a word only where it was written
    assertEquals(List.of("plain"), found(alice, "plain"));
  }

  @Test
  void whatIsDeletedOrNoLongerSaidIsNotFound() {
    UUID edited = alice.sends(conversation, "apples").getId();
    UUID deleted = alice.sends(conversation, "pears").getId();
    assertEquals(1, found(bob, "pears").size());
    alice.deletes(deleted);
    alice.edits(edited, "cherries");
    assertEquals(List.of(), found(bob, "pears"));
    assertEquals(List.of(), found(bob, "apples"));
    assertEquals(List.of("cherries"), found(bob, "cherries"));
  }

  @Test
  void searchInOneConversationAndPageByPage() {
    UUID withCarol = alice.talksTo(carol);
    List<UUID> ids = new ArrayList<>();
    for (int n = 0; n < 12; n++) {
      ids.addFirst(alice.sends(n % 3 == 0 ? withCarol : conversation, "word " + n).getId());
      await();
    }
    assertEquals(ids, matches(search(alice, "word", null, null, 20)));
    assertEquals(4, search(alice, "word", withCarol, null, 20).size());
    assertEquals(List.of(), search(bob, "word", withCarol, null, 20)); // others' conversation
    for (int size : new int[] {1, 5, 12}) {
      List<UUID> paged = new ArrayList<>();
      UUID before = null;
      for (List<UUID> page = matches(search(alice, "word", null, null, size));
          !page.isEmpty();
          page = matches(search(alice, "word", null, before, size))) {
        paged.addAll(page);
        before = page.getLast();
      }
      assertEquals(ids, paged);
    }
  }

  @Test
  void aMatchIsTheMessageWithAHeadline() {
    MessageViewRecord sent = alice.sends(conversation, "Meet \uE000me\uE001 at <b>noon</b> & noon");
    bob.reacts(sent.getId(), "👍");
    MessageMatchRecord match = search(bob, "noon", null, null, 20).getFirst();
    assertEquals(sent.getId(), match.getId());
    assertEquals("Alice Adams", json(match.getSender()).path("full_name").asString());
    JsonNode reactions = json(match.getReactions());
    assertEquals("👍", reactions.path(0).path("reaction").asString());
    assertEquals(2, match.getHeadline().chars().filter(c -> c == '\uE000').count());
    assertEquals(2, match.getHeadline().chars().filter(c -> c == '\uE001').count());
    assertTrue(match.getHeadline().contains("\uE000noon\uE001"), match.getHeadline());
    assertFalse(match.getHeadline().contains("\uE000me"), match.getHeadline());
    assertTrue(match.getContent().contains("\uE000me\uE001"), "the text itself is as sent");
    assertTrue(match.getHeadline().contains("<b>"), "plain text keeps what looks like a tag");
  }

  // A person who is gone.

  @Test
  void aDeletedPersonTakesTheirConversationsAlong() {
    UUID withCarol = bob.talksTo(carol);
    bob.sends(withCarol, "stays");
    UUID message = alice.sends(conversation, "goes").getId();
    alice.edits(message, "gone");
    bob.reacts(message, "👍");
    bob.mutes(conversation, null);
    bob.blocks(alice.id());
    alice.is("online", null);
    database.asOwner("delete from public.users where id = '" + alice.id() + "'");
    bob.sees(USER_MESSAGES).rows(1);
    for (String table :
        List.of(
            "message_edits",
            "message_reactions",
            "conversation_preferences",
            "user_blocks",
            "user_presence")) {
      assertEquals("0", database.ownerReads("select count(*) from public." + table), table);
    }
    assertInvariantsHold();
  }

  @Test
  void aDeletedTeamLeavesItsPeopleTheirMessages() {
    alice.sends(conversation, "hi");
    alice.is("online", null);
    database.asOwner("delete from public.teams where name = 'Blue'");
    alice.sees(USER_MESSAGES).rows(1);
    bob.sees(USER_MESSAGES).rows(1);
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    assertEquals("null", database.ownerReads("select team_id from public.user_presence"));
    assertInvariantsHold();
  }

  private List<UUID> sendsFive() {
    return IntStream.rangeClosed(1, 5)
        .mapToObj(n -> alice.sends(conversation, "no. " + n).getId())
        .toList();
  }

  private List<Boolean> readByBob() {
    return column(
            "select read_by = jsonb_build_array('%s') from public.user_messages order by seq"
                .formatted(bob.id()))
        .stream()
        .map("t"::equals)
        .toList();
  }

  private MessageViewRecord send(Person person, Consumer<SendMessage> details) {
    return person.does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent("hi");
          details.accept(message);
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  private MessageViewRecord file(
      String type, String url, @Nullable String name, @Nullable Long size) {
    return send(
        alice,
        message -> {
          message.setContent("");
          message.setMessageType(type);
          message.setFileUrl(url);
          message.setFileName(name);
          message.setFileSize(size);
        });
  }

  private List<MessageViewRecord> page(
      @Nullable Long beforeSeq, @Nullable Long afterSeq, @Nullable Integer size) {
    return alice.does(
        tx -> Routines.getMessages(tx.configuration(), conversation, beforeSeq, afterSeq, size));
  }

  private List<MessageViewRecord> changes(
      Person person, @Nullable Long after, @Nullable Integer size) {
    return person.does(tx -> Routines.getChanges(tx.configuration(), conversation, after, size));
  }

  private static List<MessageMatchRecord> search(
      Person person,
      @Nullable String query,
      @Nullable UUID in,
      @Nullable UUID before,
      @Nullable Integer size) {
    return person.does(tx -> Routines.searchMessages(tx.configuration(), query, in, before, size));
  }

  private static List<String> found(Person person, @Nullable String query) {
    return search(person, query, null, null, 20).stream()
        .map(MessageMatchRecord::getContent)
        .toList();
  }

  private static List<UUID> matches(List<MessageMatchRecord> found) {
    return found.stream().map(MessageMatchRecord::getId).toList();
  }

  private static List<Long> seqs(List<MessageViewRecord> messages) {
    return messages.stream().map(MessageViewRecord::getSeq).toList();
  }

  private static List<Long> revisions(List<MessageViewRecord> messages) {
    return messages.stream().map(MessageViewRecord::getRevision).toList();
  }

  /** A UUIDv7 of a moment, as a client makes it. */
  static UUID uuid7(Instant moment) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return new UUID(
        (moment.toEpochMilli() << 16) | 0x7000 | random.nextInt(0x1000),
        (random.nextLong() >>> 2) | Long.MIN_VALUE);
  }

  /** Lets the millisecond pass that ids are told apart by. */
  private static void await() {
    long now = System.currentTimeMillis();
    while (System.currentTimeMillis() == now) {
      Thread.onSpinWait();
    }
  }
}
