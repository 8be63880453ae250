package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.MessageMatchRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import com.gptdesk.chat.testing.Person;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** {@code R__35_search}: found by words, among one's own messages alone. */
class SearchMessagesRulesTest extends MessageRules {

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
  void searchGoesByTheBeginningsOfWordsAllOfThem() {
    alice.sends(conversation, "The quick brown fox, über alles: пример 例");
    for (String query :
        List.of("quick", "FOX the", "Über", "ПРИМЕР", "brown & !fox", "quick | slow'")) {
      assertEquals(query.contains("slow") ? 0 : 1, found(alice, query).size(), query);
    }
    for (String query : List.of("qui", "q", "al пр 例")) {
      assertEquals(1, found(alice, query).size(), query);
    }
    for (String query : List.of("uick", "quick slow", "foxes", "fo xx")) {
      assertEquals(List.of(), found(alice, query), query);
    }
    alice.sends(conversation, "<b>bold</b> a<c>d"); // text, not HTML
    for (String query : List.of("bold", "c", "d", "<bold>", "c>d")) {
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
}
