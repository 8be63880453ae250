package com.gptdesk.chat.rules;

import static com.gptdesk.chat.jooq.Tables.CONVERSATION_PREFERENCES;
import static com.gptdesk.chat.jooq.Tables.USER_BLOCKS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.jooq.tables.records.ConversationPreferencesRecord;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * {@code logic/preferences}: archive, mute and blocks: their owner sees them, functions write them.
 */
class PreferencesRulesTest extends Rules {

  private static final String HAND =
      """
      Alice    42501
      Bob      42501
      Mallory  42501
      Ivan     42501
      Anon     42501
      Service  42501
      Relay    42501
      """;

  private final UUID conversation = alice.talksTo(bob);

  @Test
  void theOtherDoesNotLearnOfPreferences() {
    alice.archives(conversation, true);
    everybody(
        "select * from public.conversation_preferences",
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

  @Test
  void whoIsBlockedDoesNotSeeIt() {
    alice.blocks(bob.id());
    everybody(
        "select * from public.user_blocks",
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

  @Test
  void nobodyWritesThemByHand() {
    alice.archives(conversation, true);
    alice.blocks(bob.id());
    everybody(
        "insert into public.conversation_preferences (conversation_id, user_id) values ('%s', '%s')"
            .formatted(conversation, bob.id()),
        HAND);
    everybody("update public.conversation_preferences set muted_until = now()", HAND);
    everybody("delete from public.conversation_preferences", HAND);
    everybody(
        "insert into public.user_blocks (blocker_id, blocked_id) values ('%s', '%s')"
            .formatted(bob.id(), alice.id()),
        HAND);
    everybody("update public.user_blocks set created_at = now()", HAND);
    everybody("delete from public.user_blocks", HAND);
  }

  @Test
  void onlyTheTwoPutAwayOrMute() {
    String theTwo =
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
        """;
    everybody("select public.set_archived('%s', true)".formatted(conversation), theTwo);
    everybody("select public.set_archived('%s', false)".formatted(conversation), theTwo);
    everybody("select public.set_muted('%s', 'infinity')".formatted(conversation), theTwo);
    alice.isRefused(() -> alice.archives(NOBODY, true), "PT403");
    alice.isRefused(() -> alice.mutes(NOBODY, null), "PT403");
    alice.isRefused(() -> alice.archives(conversation, null), "PT400");
  }

  @Test
  void anArchiveRemembersTheLastMessage() {
    alice.sends(conversation, "hi");
    alice.archives(conversation, true);
    ConversationPreferencesRecord put = alice.does(tx -> tx.fetchSingle(CONVERSATION_PREFERENCES));
    assertEquals(1, put.getArchivedSeq());
    alice.archives(conversation, false);
    ConversationPreferencesRecord back = alice.does(tx -> tx.fetchSingle(CONVERSATION_PREFERENCES));
    assertNull(back.getArchivedSeq());
    assertNull(back.getArchivedAt());
    assertInvariantsHold();
  }

  @Test
  void archiveAndMuteDoNotTouchEachOther() {
    alice.archives(conversation, true);
    alice.tries(tx -> tx.execute("select public.set_muted(?, 'infinity')", conversation));
    assertEquals(true, view(alice, conversation).getIsArchived());
    alice.archives(conversation, false);
    assertEquals(true, view(alice, conversation).getIsMuted());
  }

  @Test
  void preferencesAreToldToTheirOwnerAlone() {
    assertEquals(
        "INSERT conversation_preferences for Alice", log(() -> alice.archives(conversation, true)));
    assertEquals(
        "UPDATE conversation_preferences for Alice",
        log(() -> alice.archives(conversation, false)));
    assertEquals("INSERT user_blocks for Alice", log(() -> alice.blocks(bob.id())));
    assertEquals("", log(() -> alice.blocks(bob.id())));
    assertEquals("DELETE user_blocks for Alice", log(() -> alice.unblocks(bob.id())));
    assertEquals("", log(() -> alice.unblocks(bob.id())));
  }

  @Test
  void theOperatorsArchiveLiftedIsToldToBoth() {
    database.asOwner("update public.user_conversations set is_archived = true");
    assertEquals(
        "UPDATE user_conversations for Alice, Bob\nINSERT conversation_preferences for Bob",
        log(() -> bob.archives(conversation, false)));
  }

  @Test
  void oneBlocksWhomOneKnows() {
    alice.isRefused(() -> alice.blocks(alice.id()), "PT400");
    alice.isRefused(() -> alice.blocks(mallory.id()), "PT404");
    alice.isRefused(() -> alice.blocks(NOBODY), "PT404");
    alice.isRefused(() -> alice.blocks(null), "PT404");
    alice.blocks(carol.id()); // of the team
    alice.blocks(ivan.id()); // also when not active
    database.asOwner("update public.users set team_id = null where id = '" + bob.id() + "'");
    alice.blocks(bob.id()); // of another team, but they talked
    alice.sees(USER_BLOCKS).rows(3);
  }

  @Test
  void onlyActivePeopleBlock() {
    String active =
        """
        Alice    1
        Carol    1
        Mallory  %s
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody("select public.block_user('%s')".formatted(bob.id()), active.formatted("PT404"));
    everybody("select public.unblock_user('%s')".formatted(bob.id()), active.formatted("1"));
    bob.blocks(alice.id());
    everybody("select public.unblock_user('%s')".formatted(bob.id()), active.formatted("1"));
  }

  @Test
  void oneListsWhomOneBlocks() {
    alice.blocks(bob.id());
    alice.blocks(carol.id());
    bob.blocks(alice.id());
    database.asOwner(
        "update public.users set team_id = null where id in ('%s', '%s')"
            .formatted(bob.id(), carol.id()));
    assertEquals(
        List.of("Carol Clark", "Bob Brown"),
        alice.does(
            tx -> tx.fetch("select * from public.get_blocked_users()").getValues("full_name")));
    assertEquals(
        List.of("Bob Brown"),
        alice.does(
            tx ->
                tx.fetch(
                        "select second.* from public.get_blocked_users(page_size => 1) first"
                            + " cross join public.get_blocked_users(first.blocked_at, first.id, 1) second")
                    .getValues("full_name")));
    alice.isRefused(
        () -> alice.tries(tx -> tx.fetch("select public.get_blocked_users(page_size => 201)")),
        "PT400");
    alice.isRefused(
        () ->
            alice.tries(
                tx -> tx.fetch("select public.get_blocked_users(before_id => ?)", bob.id())),
        "PT400");
    everybody(
        "select * from public.get_blocked_users()",
        """
        Alice    2
        Bob      1
        Carol    0
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
  void oneLiftsOnesOwnBlockOnly() {
    bob.blocks(alice.id());
    alice.unblocks(bob.id());
    alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403");
    bob.unblocks(alice.id());
    alice.sends(conversation, "hi");
  }

  @Test
  void aRefusalSaysWhyInAWordForPrograms() {
    bob.blocks(alice.id());
    assertEquals(
        "blocked", alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403").details());
    assertEquals("blocking", bob.isRefused(() -> bob.sends(conversation, "hi"), "PT403").details());
    bob.unblocks(alice.id());
    database.asOwner("update public.users set team_id = null where id = '%s'".formatted(bob.id()));
    assertEquals(
        "apart", alice.isRefused(() -> alice.sends(conversation, "hi"), "PT403").details());
  }
}
