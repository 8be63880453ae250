package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jooq.JSONB;
import org.junit.jupiter.api.Test;

/**
 * {@code R__30_rules_and_numbering}: what a message has, and which text, file and metadata it may
 * have.
 */
class MessageContentRulesTest extends MessageRules {

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
}
