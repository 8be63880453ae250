package com.gptdesk.chat.client;

import static com.gptdesk.chat.jooq.Tables.CONVERSATION_PREFERENCES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.Refusal.Reason;
import com.gptdesk.chat.jooq.tables.daos.ConversationPreferencesDao;
import com.gptdesk.chat.jooq.tables.pojos.ConversationPreference;
import com.gptdesk.chat.model.Attachment;
import com.gptdesk.chat.model.Conversation;
import com.gptdesk.chat.model.FoundUser;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.model.MessageType;
import com.gptdesk.chat.model.NewMessage;
import com.gptdesk.chat.model.Person;
import com.gptdesk.chat.model.Presence;
import com.gptdesk.chat.model.Reaction;
import com.gptdesk.chat.model.UnreadTotal;
import com.gptdesk.chat.testing.ChatTestDatabase;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jooq.conf.StatementType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every function of the contract, by its typed method. */
class UserChatTest {

  private final ChatTestDatabase database = ChatTestDatabase.fresh();
  private final UserChat alice = database.alice();
  private final UserChat bob = database.bob();
  private final UserChat mallory = database.mallory();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void twoPeopleTalk() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    assertEquals(conversation, bob.getOrCreateConversation(alice.userId()));
    Instant before = Instant.now().minus(Duration.ofMinutes(1));

    Message sent = alice.sendMessage(conversation, "hi");

    assertEquals(1, sent.seq());
    assertEquals("hi", sent.content());
    assertEquals(MessageType.TEXT, sent.messageType());
    assertEquals(conversation, sent.conversationId());
    assertEquals(alice.userId(), sent.senderId());
    assertEquals(bob.userId(), sent.recipientId());
    assertEquals(new Person(alice.userId(), "Alice Adams", null), sent.sender());
    assertTrue(sent.createdAt().isAfter(before), sent.createdAt().toString());
    assertNull(sent.attachment());
    assertEquals(Map.of(), sent.metadata());
    assertEquals(List.of(sent), bob.getMessages(conversation));

    Conversation hers = bob.getConversations().getFirst();
    assertEquals(conversation, hers.id());
    assertEquals("Alice Adams", hers.otherUser().fullName());
    assertEquals(1, hers.unreadCount());
    assertNotNull(hers.lastMessage());
    assertEquals(sent.id(), hers.lastMessage().id());
    assertEquals(sent.createdAt(), hers.lastMessageAt());
    assertEquals(hers, bob.getConversation(conversation).orElseThrow());

    assertEquals(0, bob.markAsRead(List.of(sent.id())));
    assertEquals(1, alice.getConversation(conversation).orElseThrow().otherReadSeq());
    assertEquals(1, alice.getConversation(conversation).orElseThrow().otherDeliveredSeq());
    assertEquals(List.of(bob.userId()), alice.getMessages(conversation).getFirst().readBy());
  }

  @Test
  void unreadIsCountedAndMarkedAgain() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    for (String text : List.of("one", "two", "three")) {
      alice.sendMessage(conversation, text);
    }
    Message oops = alice.sendMessage(conversation, "oops");
    assertEquals(new UnreadTotal(4, 1), bob.getUnreadTotal());
    alice.deleteMessage(oops.id());
    assertEquals(new UnreadTotal(3, 1), bob.getUnreadTotal());
    assertEquals(0, bob.markConversationAsRead(conversation));
    assertNull(bob.getConversation(conversation).orElseThrow().firstUnreadSeq());

    assertEquals(2, bob.markAsUnread(conversation, 2));

    Conversation his = bob.getConversation(conversation).orElseThrow();
    assertEquals(2, his.unreadCount());
    assertEquals(2L, his.firstUnreadSeq());
    assertEquals(new UnreadTotal(2, 1), bob.getUnreadTotal());
    assertEquals(4, alice.getConversation(conversation).orElseThrow().otherReadSeq());
    assertEquals(new UnreadTotal(0, 0), mallory.getUnreadTotal());
  }

  @Test
  void nobodyWritesMetadataThatTheOtherCannotRead() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    for (String value : List.of("[".repeat(8000) + "]".repeat(8000), "1".repeat(16000))) {
      database
          .chat()
          .as(
              alice.userId(),
              tx ->
                  tx.execute(
                      "select public.send_message(?, 'hi', metadata => ?::jsonb)",
                      conversation,
                      "{\"a\":" + value + "}"));
      assertTrue(bob.getMessages(conversation).getLast().metadata().containsKey("a"));
    }
  }

  @Test
  void whateverMomentIsMutedUntilCanBeRead() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    for (String until : List.of("9999-12-31Z", "10000-01-01Z", "294276-12-31Z")) {
      mute(conversation, until);
      OffsetDateTime read = preference(conversation).mutedUntil();
      assertNotNull(read);
      assertTrue(read.getYear() >= 9999, read::toString);
      assertTrue(alice.getConversation(conversation).orElseThrow().isMuted());
    }
    // The past lifts it, however long ago.
    for (String until : List.of("2000-01-01Z", "4713-01-01 BC", "-infinity")) {
      alice.setMuted(conversation, Instant.MAX);
      mute(conversation, until);
      assertNull(preference(conversation).mutedUntil(), until);
      assertFalse(alice.getConversation(conversation).orElseThrow().isMuted());
    }
  }

  private void mute(UUID conversation, String until) {
    database
        .chat()
        .as(
            alice.userId(),
            tx -> tx.execute("select public.set_muted(?, ?::timestamptz)", conversation, until));
  }

  @Test
  void whatIsMutedForGoodCanBeReadAndWritten() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    alice.setMuted(conversation, Instant.MAX);
    assertTrue(alice.getConversation(conversation).orElseThrow().isMuted());

    ConversationPreference read = preference(conversation);
    assertEquals(OffsetDateTime.MAX, read.mutedUntil());
    // What was read is found again, as a parameter and written into the SQL.
    for (StatementType statements : StatementType.values()) {
      int found =
          database
              .chat()
              .asService(
                  tx ->
                      tx.configuration()
                          .deriveSettings(settings -> settings.withStatementType(statements))
                          .dsl()
                          .fetchCount(
                              CONVERSATION_PREFERENCES,
                              CONVERSATION_PREFERENCES.MUTED_UNTIL.eq(read.mutedUntil())));
      assertEquals(1, found, statements.toString());
    }

    Instant tomorrow = Instant.now().plus(Duration.ofDays(1)).truncatedTo(ChronoUnit.MICROS);
    alice.setMuted(conversation, tomorrow);
    assertEquals(tomorrow, preference(conversation).mutedUntil().toInstant());
    alice.setMuted(conversation, null);
    assertNull(preference(conversation).mutedUntil());
  }

  private ConversationPreference preference(UUID conversation) {
    return database
        .chat()
        .as(
            alice.userId(),
            tx ->
                new ConversationPreferencesDao(tx.configuration())
                    .fetchByConversationId(conversation)
                    .getFirst());
  }

  @Test
  void aStrangerIsRefusedOrSeesNothing() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Message sent = alice.sendMessage(conversation, "hi");

    assertEquals(List.of(), mallory.getMessages(conversation));
    assertEquals(List.of(), mallory.getChanges(conversation, 0, 50));
    assertTrue(mallory.getConversation(conversation).isEmpty());
    assertEquals(List.of(), mallory.getConversations());
    assertEquals(List.of(), mallory.searchMessages("hi"));
    refused(Reason.NOT_ALLOWED, () -> mallory.sendMessage(conversation, "hi"));
    refused(Reason.NOT_FOUND, () -> mallory.editMessage(sent.id(), "ho"));
    refused(Reason.NOT_FOUND, () -> mallory.getOrCreateConversation(bob.userId()));
    refused(Reason.NOT_ALLOWED, () -> mallory.updateTypingStatus(bob.userId()));
    refused(Reason.NOT_ALLOWED, () -> database.ivan().getConversations());
    assertEquals(1, bob.getMessages(conversation).size()); // the control
  }

  @Test
  void eachNoHasItsReason() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Message sent = alice.sendMessage(conversation, "hi");
    refused(Reason.INVALID, () -> alice.sendMessage(conversation, "  "));
    refused(Reason.TOO_LONG, () -> alice.sendMessage(conversation, "x".repeat(1001)));
    refused(Reason.INVALID, () -> alice.searchUsers("b", 201));
    refused(
        Reason.INVALID,
        () -> alice.sendMessage(conversation, NewMessage.text("hi").withId(new UUID(0, 0))));
    alice.deleteMessage(sent.id());
    refused(Reason.CONFLICT, () -> alice.editMessage(sent.id(), "ho"));
    bob.blockUser(alice.userId());
    refused(Reason.NOT_ALLOWED, () -> alice.sendMessage(conversation, "hi"));
    bob.unblockUser(alice.userId());
    alice.sendMessage(conversation, "hi again");
  }

  @Test
  void aMessageIsEditedReactedToAndTakenBack() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Message sent = alice.sendMessage(conversation, "hi");
    long known = sent.revision();

    Message edited = alice.editMessage(sent.id(), "ho");
    assertTrue(edited.isEdited());
    bob.addReaction(sent.id(), "👍");
    alice.addReaction(sent.id(), "👍");
    bob.addReaction(sent.id(), "🎉");
    bob.removeReaction(sent.id(), "🎉");

    List<Message> changes = bob.getChanges(conversation, known, 50);
    assertEquals(1, changes.size());
    assertEquals("ho", changes.getFirst().content());
    assertEquals(
        List.of(new Reaction("👍", List.of(bob.userId(), alice.userId()))),
        changes.getFirst().reactions());

    Message gone = alice.deleteMessage(sent.id());
    assertTrue(gone.isDeleted());
    assertEquals("", gone.content());
    assertEquals(sent.seq(), gone.seq());
  }

  @Test
  void aFileIsSentOnceHoweverOftenItIsSent() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Map<String, @Nullable Object> metadata = new LinkedHashMap<>();
    metadata.put("pages", 3);
    metadata.put("price", new BigDecimal("0.1"));
    metadata.put("tags", List.of("a", Map.of("b", true)));
    metadata.put("nothing", null);
    NewMessage file =
        NewMessage.file("", new Attachment("https://example.org/a.pdf", "a.pdf", 12L))
            .withId(uuid7())
            .withMetadata(metadata);

    Message first = alice.sendMessage(conversation, file);
    assertEquals(first, alice.sendMessage(conversation, file));

    assertEquals(file.id(), first.id());
    assertEquals(MessageType.FILE, first.messageType());
    assertEquals(file.attachment(), first.attachment());
    assertEquals(metadata, first.metadata());
    assertEquals(List.of(first), bob.getMessages(conversation));
  }

  @Test
  void whatWasWrittenOfflineIsSentOnceByAnyKey() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Instant written = Instant.now().minus(Duration.ofDays(3)).truncatedTo(ChronoUnit.MILLIS);
    NewMessage message =
        NewMessage.text("of Friday").withId(UUID.randomUUID()).withWrittenAt(written);

    Message first = alice.sendMessage(conversation, message);
    assertEquals(first, alice.sendMessage(conversation, message));

    assertEquals(message.id(), first.clientId());
    assertEquals(written, first.writtenAt());
    assertEquals(List.of(first), bob.getMessages(conversation));
    assertEquals(first, bob.searchMessages("Friday").getFirst().message());
    Message now =
        alice.sendMessage(
            conversation,
            NewMessage.text("now").withWrittenAt(Instant.parse("2100-01-01T00:00:00Z")));
    assertNull(now.writtenAt());
    assertNull(now.clientId());
  }

  /** The database gives a sent message as one composite value, which has quoting of its own. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"quoted\"",
        "'quoted'",
        "a,b(c)d{e}",
        "\\back\\\\slash\\",
        "line\nline\r\n\ttab",
        "  spaces  ",
        "null",
        "\"",
        "(\"\",\"\")",
        "𝔘𝔫𝔦 👩‍👩‍👧 \u00e9 \u202edraw\u202c"
      })
  void anyTextComesBackAsItWasSent(String text) {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    NewMessage message = NewMessage.text(text).withMetadata(Map.of("t", text));
    Message sent = alice.sendMessage(conversation, message);
    assertEquals(text, sent.content());
    assertEquals(text, sent.metadata().get("t"));
    assertEquals(List.of(sent), bob.getMessages(conversation));
    database.asOwner(
        "update public.users set full_name = 'Al \"the\\, (one)' where full_name like 'Al%'");
    assertEquals(
        "Al \"the\\, (one)",
        java.util.Objects.requireNonNull(alice.editMessage(sent.id(), text + "!").sender())
            .fullName());
  }

  /** As at the other doors: the driver and the database would say what nobody understands. */
  @Test
  void whatCannotBeStoredIsReplaced() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Message sent =
        alice.sendMessage(
            conversation, NewMessage.text("a\0b \ud83d").withMetadata(Map.of("k\0", "v\0\ude00")));
    assertEquals("ab \uFFFD", sent.content());
    assertEquals(Map.of("k", "v\uFFFD"), sent.metadata());
    assertEquals("c\uFFFD", alice.editMessage(sent.id(), "c\0\ud83d").content());
    Message file =
        alice.sendMessage(
            conversation,
            NewMessage.file("", new Attachment("https://example.org/\0a", "n\0\ud83d.png", 1L)));
    assertEquals(new Attachment("https://example.org/a", "n\uFFFD.png", 1L), file.attachment());
    bob.addReaction(sent.id(), "👍\0");
    bob.removeReaction(sent.id(), "\0👍");
    assertEquals(List.of(), bob.getMessages(conversation).getFirst().reactions());
    assertEquals("Bob Brown", alice.searchUsers("b\0ob").getFirst().fullName());
    assertEquals(List.of(), alice.searchMessages("nothing\0such"));
    alice.updatePresence(Presence.Status.ONLINE, "/page\0");
    for (String nothing : List.of("\0", "\u200B", "\u2800\uFEFF")) {
      Refusal refused = assertThrows(Refusal.class, () -> alice.sendMessage(conversation, nothing));
      assertEquals("empty", refused.details());
    }
    Refusal refused = assertThrows(Refusal.class, () -> bob.addReaction(sent.id(), "like"));
    assertEquals(Reason.INVALID, refused.reason());
  }

  @Test
  void pagesGoByKey() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    for (int i = 1; i <= 5; i++) {
      alice.sendMessage(conversation, "message " + i);
    }
    assertEquals(List.of(2L, 3L), numbers(bob.getMessagesBefore(conversation, 4, 2)));
    assertEquals(List.of(4L, 5L), numbers(bob.getMessagesAfter(conversation, 3, 10)));
    assertEquals(3, bob.markConversationAsRead(conversation, 2));
    assertEquals(0, bob.markConversationAsRead(conversation));

    UUID other = alice.getOrCreateConversation(database.carol().userId());
    alice.sendMessage(other, "hi");
    List<Conversation> first = alice.getConversations(null, 1, false);
    assertEquals(other, first.getFirst().id());
    assertEquals(conversation, alice.getConversations(first.getFirst(), 1, false).getFirst().id());
  }

  @Test
  void aConversationIsPutAwayAndMuted() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    alice.sendMessage(conversation, "hi");
    alice.setArchived(conversation, true);
    alice.setMuted(conversation, Instant.now().plus(Duration.ofHours(1)));
    assertEquals(List.of(), alice.getConversations());
    Conversation away = alice.getConversations(null, 50, true).getFirst();
    assertTrue(away.isArchived());
    assertTrue(away.isMuted());
    alice.setMuted(conversation, null);
    alice.setArchived(conversation, false);
    assertFalse(alice.getConversations().getFirst().isMuted());
  }

  @Test
  void peopleAndMessagesAreFound() {
    UUID conversation = alice.getOrCreateConversation(bob.userId());
    Message sent = alice.sendMessage(conversation, "lunch at noon");
    bob.updatePresence(Presence.Status.BUSY, "/messages");

    FoundUser found = alice.searchUsers("bro").getFirst();
    assertEquals(
        new FoundUser(
            bob.userId(), "Bob Brown", "bob@example.org", null, "active", ChatTestDatabase.BLUE),
        found);
    var match = bob.searchMessages("noon").getFirst();
    assertEquals(sent, match.message());
    assertEquals("lunch at \ue000noon\ue001", match.headline());
    assertEquals(List.of(), bob.searchMessages("noon", null, sent.id(), 20));

    Presence presence = alice.getConversations().getFirst().otherUser().presence();
    assertNotNull(presence);
    assertEquals(Presence.Status.BUSY, presence.status());
    assertNotNull(presence.lastSeen());
    alice.updateTypingStatus(bob.userId());
    alice.updateTypingStatus(null);
  }

  private static void refused(Reason reason, Executable attempt) {
    assertEquals(reason, assertThrows(Refusal.class, attempt).reason());
  }

  private static List<Long> numbers(List<Message> messages) {
    return messages.stream().map(Message::seq).toList();
  }

  private static UUID uuid7() {
    UUID random = UUID.randomUUID();
    return new UUID(
        System.currentTimeMillis() << 16 | 0x7000 | (random.getMostSignificantBits() & 0xfff),
        random.getLeastSignificantBits());
  }
}
