package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.MESSAGE_REACTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.gptdesk.chat.jooq.tables.records.MessageReactionsRecord;
import com.gptdesk.chat.jooq.udt.records.MessageViewRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** {@code logic/reactions}: both see them, each gives and takes back their own, by function. */
class ReactionsRulesTest extends Rules {

  private final UUID conversation = alice.talksTo(bob);
  private final MessageViewRecord message = alice.sends(conversation, "hi");
  private final UUID id = message.getId();

  @Test
  void bothPeopleSeeReactions() {
    bob.reacts(id, "👍");
    everybody(
        "select * from public.message_reactions",
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
  void nobodyWritesThemByHand() {
    bob.reacts(id, "👍");
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
    everybody(
        ("insert into public.message_reactions (message_id, user_id, reaction, conversation_id, sender_id, recipient_id)"
                + " values ('%s', '%s', 'x', '%s', '%s', '%s')")
            .formatted(id, alice.id(), conversation, alice.id(), bob.id()),
        nobody);
    everybody("update public.message_reactions set reaction = 'x'", nobody);
    everybody("delete from public.message_reactions", nobody);
  }

  @Test
  void theTwoReact() {
    String theTwo =
        """
        Alice    1
        Bob      1
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
    everybody("select public.add_reaction('%s', '👍')".formatted(id), theTwo);
    everybody("select public.remove_reaction('%s', '👍')".formatted(id), theTwo);
    bob.isRefused(() -> bob.reacts(NOBODY, "👍"), "PT404");
    bob.isRefused(() -> bob.takesBack(NOBODY, "👍"), "PT404");
  }

  @Test
  void aReactionIsAChangeOfItsMessage() {
    bob.reacts(id, "👍");
    MessageReactionsRecord reaction = alice.does(tx -> tx.fetchSingle(MESSAGE_REACTIONS));
    assertEquals(id, reaction.getMessageId());
    assertEquals(bob.id(), reaction.getUserId());
    assertEquals(conversation, reaction.getConversationId());
    assertEquals(alice.id(), reaction.getSenderId());
    assertEquals(bob.id(), reaction.getRecipientId());
    MessageViewRecord now = alice.messagesOf(conversation).getFirst();
    assertEquals(2, now.getRevision());
    assertEquals(message.getUpdatedAt(), now.getUpdatedAt()); // its text is as old as it was
    assertInvariantsHold();
  }

  @Test
  void againChangesNothing() {
    bob.reacts(id, "👍");
    assertEquals("", log(() -> bob.reacts(id, "👍")));
    bob.takesBack(id, "👍");
    assertEquals("", log(() -> bob.takesBack(id, "👍")));
    assertEquals(3, view(alice, conversation).getRevision());
    assertInvariantsHold();
  }

  @Test
  void onesOwnReactionIsTakenBack() {
    alice.reacts(id, "👍");
    bob.takesBack(id, "👍"); // hers, not his
    alice.sees(MESSAGE_REACTIONS).rows(1);
    alice.takesBack(id, "👍");
    alice.sees(MESSAGE_REACTIONS).nothing();
  }

  @Test
  void reactionsAreGroupedOldestFirst() {
    bob.reacts(id, "👍");
    alice.reacts(id, "🙂");
    alice.reacts(id, "👍");
    assertEquals(
        json(
            "[{\"reaction\":\"👍\",\"user_ids\":[\"%s\",\"%s\"]},{\"reaction\":\"🙂\",\"user_ids\":[\"%s\"]}]"
                .formatted(bob.id(), alice.id(), alice.id())),
        json(bob.messagesOf(conversation).getFirst().getReactions()));
  }

  @Test
  void aReactionIsOneEmojiOrAName() {
    for (String none :
        new String[] {
          "",
          " ",
          "a",
          "like",
          "+1",
          "1",
          "#",
          "ok!",
          "👍👍",
          "👍 ",
          "👍a",
          "👍\n",
          "❤ ",
          "🇩",
          "🇩🇪🇫🇷",
          "🏽",
          "🔥🏽",
          "\u200D",
          "\uFE0F",
          "👍\u200D",
          "\u200D👍",
          "👍\u200B",
          ":",
          "::",
          ":a b:",
          ":a",
          "a:",
          ":é:",
          "漢",
          "é",
          "∞",
          "★",
          ":" + "x".repeat(31) + ":",
          "👨‍👩‍👧‍👦‍👦",
          "🏴\uDB40\uDC67",
          "\uDB40\uDC67",
          null
        }) {
      bob.isRefused(() -> bob.reacts(id, none), "PT400");
    }
    List<String> one =
        List.of(
            "👍",
            "👨‍👩‍👧‍👦",
            "👩🏽‍❤️‍💋‍👨🏿",
            "1️⃣",
            "*️⃣",
            "🇩🇪",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "🏳️‍🌈",
            "🏴‍☠️",
            "©️",
            "☎️",
            "🀄",
            "🧑🏿‍🚀",
            "🫶🏻",
            "🐦‍⬛",
            ":thumbsup:",
            ":+1:",
            ":party_parrot-2:");
    for (String reaction : one) {
      bob.reacts(id, reaction);
    }
    assertEquals(one, given());
  }

  /** The forms that keyboards and libraries give for the same emoji. */
  @Test
  void theFormsOfAnEmojiAreOneReaction() {
    Map<String, List<String>> forms =
        Map.ofEntries(
            Map.entry("❤️", List.of("❤", "❤️", "❤\uFE0E")),
            Map.entry("👍", List.of("👍", "👍\uFE0F")),
            Map.entry("☀️", List.of("☀", "☀️")),
            Map.entry("✌🏽", List.of("✌🏽", "✌\uFE0F🏽")),
            Map.entry("👁️‍🗨️", List.of("👁‍🗨", "👁️‍🗨", "👁️‍🗨️")),
            Map.entry("🏳️‍🌈", List.of("🏳‍🌈", "🏳️‍🌈")),
            Map.entry("⛹🏿‍♀️", List.of("⛹🏿‍♀", "⛹🏿‍♀️")),
            Map.entry("#️⃣", List.of("#⃣", "#️⃣")),
            Map.entry(":tada:", List.of(":tada:", ":TADA:")));
    forms.forEach(
        (canonical, given) -> {
          for (String form : given) {
            alice.reacts(id, form);
            bob.reacts(id, given.getFirst());
            assertEquals(List.of(canonical), given());
            bob.sees(MESSAGE_REACTIONS).rows(2);
            alice.takesBack(id, given.getLast());
            bob.takesBack(id, form);
            bob.sees(MESSAGE_REACTIONS).nothing();
          }
        });
  }

  @Test
  void skinTonesStayDistinct() {
    List<String> tones = List.of("👍", "👍🏻", "👍🏼", "👍🏽", "👍🏾", "👍🏿");
    tones.forEach(tone -> bob.reacts(id, tone));
    assertEquals(tones, given());
  }

  @Test
  void namesAreAllowedByASetting() {
    bob.reacts(id, ":tada:");
    database.asOwner("update chat.settings set reaction_names = false");
    bob.isRefused(() -> bob.reacts(id, ":tada:"), "PT400");
    bob.reacts(id, "🎉");
    bob.takesBack(id, ":tada:"); // what is there may go
    assertEquals(List.of("🎉"), given());
  }

  @Test
  void thePageOffersReactionsInTheirOneForm() throws IOException {
    String page = Files.readString(Path.of("src/main/web/src/components/chat/message-bubble.tsx"));
    String list = page.substring(page.indexOf("REACTIONS = ["), page.indexOf("] as const"));
    List<String> offered =
        Pattern.compile("\\['(.+?)',")
            .matcher(list)
            .results()
            .map(found -> found.group(1))
            .toList();
    assertEquals(8, offered.size());
    offered.forEach(reaction -> bob.reacts(id, reaction));
    assertEquals(offered, given());
  }

  /** What the migration does with reactions of before, which had any form. */
  @Test
  void whatIsOneReactionNowIsMerged() throws IOException {
    for (String[] before :
        new String[][] {
          {"alice", "❤"},
          {"bob", "❤️"},
          {"bob", "❤"},
          {"alice", "👍"},
          {"bob", "👍\uFE0F"},
          {"bob", "like"},
          {"alice", "+1"}
        }) {
      database.asOwner(
          "insert into public.message_reactions (message_id, user_id, reaction, conversation_id, sender_id, recipient_id, created_at)"
              + " values ('%s', '%s', '%s', '%s', '%s', '%s', clock_timestamp())"
                  .formatted(
                      id,
                      before[0].equals("alice") ? alice.id() : bob.id(),
                      before[1],
                      conversation,
                      alice.id(),
                      bob.id()));
    }
    UUID untouched = alice.sends(conversation, "another").getId();
    bob.reacts(untouched, "👍");
    long revision = view(alice, conversation).getRevision();
    String migration = Files.readString(Path.of("db/tables/V293__reactions_in_one_form.sql"));
    database.asOwner(migration.substring(migration.indexOf("do $$")));

    assertEquals(List.of("❤️", "👍", "like", "+1"), given());
    assertEquals(
        json(
            "[[\"%1$s\",\"%2$s\"],[\"%1$s\",\"%2$s\"],[\"%2$s\"],[\"%1$s\"]]"
                .formatted(alice.id(), bob.id())),
        json(
            "["
                + column(
                        "select string_agg(r.value ->> 'user_ids', ',') from jsonb_array_elements('%s'::jsonb) r"
                            .formatted(reactions()))
                    .getFirst()
                + "]"));
    assertEquals(revision + 1, view(alice, conversation).getRevision(), "clients catch up");
    assertEquals(
        "1",
        asks(
            bob,
            "select count(*) from public.get_changes('%s', %s)".formatted(conversation, revision)));
    assertInvariantsHold();
    String again = log(() -> database.asOwner(migration.substring(migration.indexOf("do $$"))));
    assertEquals("", again);
    bob.takesBack(id, "like"); // from before, in its own form
    alice.takesBack(id, "+1");
    bob.takesBack(id, "❤");
    assertEquals(List.of("❤️", "👍"), given());
  }

  private String reactions() {
    return json(bob.messagesOf(conversation).getFirst().getReactions()).toString();
  }

  private List<String> given() {
    return IntStream.range(0, json(reactions()).size())
        .mapToObj(i -> json(reactions()).get(i).get("reaction").stringValue())
        .toList();
  }

  @Test
  void aPersonGivesAMessageSoManyReactions() {
    database.asOwner("update chat.settings set max_reactions = 2");
    bob.reacts(id, "👍");
    bob.reacts(id, "👎");
    bob.isRefused(() -> bob.reacts(id, "🎉"), "PT409");
    bob.reacts(id, "👎"); // again is no other one
    alice.reacts(id, "🎉"); // each their own
    bob.takesBack(id, "👍");
    bob.reacts(id, "🎉");
  }

  @Test
  void aDeletedMessageTakesNone() {
    alice.deletes(id);
    bob.isRefused(() -> bob.reacts(id, "👍"), "PT409");
    bob.takesBack(id, "👍");
  }

  @Test
  void whoMayNotWriteMayTakeBackButNotGive() {
    bob.reacts(id, "👍");
    alice.blocks(bob.id());
    bob.isRefused(() -> bob.reacts(id, "🙂"), "PT403");
    alice.isRefused(() -> alice.reacts(id, "🙂"), "PT403");
    bob.takesBack(id, "👍");
    alice.sees(MESSAGE_REACTIONS).nothing();
  }
}
