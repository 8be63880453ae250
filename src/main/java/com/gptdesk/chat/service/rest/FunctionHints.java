package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.Refusal;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that do what a table refuses, for the hint of the refusal. */
final class FunctionHints {
  private static final Map<String, String> FUNCTIONS =
      Map.ofEntries(
          Map.entry("POST user_conversations", "get_or_create_conversation"),
          Map.entry("PATCH user_conversations", "set_archived, mark_conversation_as_read"),
          Map.entry("POST user_messages", "send_message"),
          Map.entry("PATCH user_messages", "edit_message, mark_as_read, delete_message"),
          Map.entry("DELETE user_messages", "delete_message"),
          Map.entry("POST message_reactions", "add_reaction"),
          Map.entry("PATCH message_reactions", "add_reaction, remove_reaction"),
          Map.entry("DELETE message_reactions", "remove_reaction"),
          Map.entry("POST user_presence", "update_presence, update_typing_status"),
          Map.entry("PATCH user_presence", "update_presence, update_typing_status"),
          Map.entry("DELETE user_presence", "update_presence"),
          Map.entry("POST conversation_preferences", "set_archived, set_muted"),
          Map.entry("PATCH conversation_preferences", "set_archived, set_muted"),
          Map.entry("DELETE conversation_preferences", "set_archived, set_muted"),
          Map.entry("POST user_blocks", "block_user"),
          Map.entry("PATCH user_blocks", "block_user, unblock_user"),
          Map.entry("DELETE user_blocks", "unblock_user"),
          Map.entry("POST message_edits", "edit_message"));

  private FunctionHints() {}

  /** The refusal with such a hint, where it is of a right and has none. */
  static Refusal with(Refusal refusal, RestRequest request, ServedTable table, String role) {
    if (!refusal.code().equals("42501")
        || refusal.hint() != null
        || String.valueOf(refusal.getMessage()).startsWith("permission denied for function")) {
      return refusal;
    }
    String hint = request.reads() ? readable(table, role) : function(request);
    return hint == null
        ? refusal
        : new Refusal(
            refusal.code(), String.valueOf(refusal.getMessage()), refusal.details(), hint, refusal);
  }

  private static @Nullable String function(RestRequest request) {
    String functions =
        FUNCTIONS.get(
            (request.method().equals("PUT") ? "POST" : request.method()) + " " + request.table());
    return functions == null ? null : "Call the function " + functions.replace(", ", " or ");
  }

  private static @Nullable String readable(ServedTable table, String role) {
    String columns =
        String.join(", ", table.readableBy(role).stream().map(ServedTable.Column::name).toList());
    return columns.isEmpty() ? null : "Of " + table.name() + " you may read " + columns;
  }
}
