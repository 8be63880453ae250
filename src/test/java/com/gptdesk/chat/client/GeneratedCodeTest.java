package com.gptdesk.chat.client;

import static com.gptdesk.chat.jooq.Tables.USER_PRESENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Public;
import com.gptdesk.chat.jooq.Routines;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jooq.Named;
import org.jooq.TableOptions.TableType;
import org.junit.jupiter.api.Test;

/** What backend teams see of the database: the contract, and nothing of how it is kept. */
class GeneratedCodeTest {

  @Test
  void itsTablesAreThePublicOnesWithoutPartitions() {
    assertEquals(
        Set.of(
            "chat_files",
            "conversation_preferences",
            "message_edits",
            "message_reactions",
            "push_subscriptions",
            "teams",
            "user_blocks",
            "user_conversations",
            "user_messages",
            "user_presence",
            "users"),
        names(
            Public.PUBLIC.getTables().stream()
                .filter(table -> table.getTableType() != TableType.FUNCTION)
                .toList()));
  }

  @Test
  void everyFunctionOfTheContractIsThere() {
    Set<String> functions =
        Stream.of(Routines.class.getMethods()).map(Method::getName).collect(Collectors.toSet());
    for (String name :
        Set.of(
            "getOrCreateConversation",
            "getConversations",
            "getMessages",
            "sendMessage",
            "getChanges",
            "editMessage",
            "deleteMessage",
            "markAsRead",
            "markConversationAsRead",
            "addReaction",
            "removeReaction",
            "setArchived",
            "setMuted",
            "blockUser",
            "unblockUser",
            "updateTypingStatus",
            "updatePresence",
            "searchUsers",
            "searchMessages",
            "addTeam",
            "addPerson",
            "activatePerson",
            "deactivatePerson")) {
      assertTrue(functions.contains(name), name);
    }
  }

  @Test
  void whatOnlyOnePersonMaySeeIsInNoDao() {
    for (String hidden : Set.of("is_typing_to", "typing_started_at", "current_page")) {
      assertNull(USER_PRESENCE.field(hidden), hidden);
    }
  }

  private static Set<String> names(Collection<? extends Named> named) {
    return named.stream().map(Named::getName).collect(Collectors.toSet());
  }
}
