package com.gptdesk.chat.database;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The functions that do what the rights to a table refuse by design, for a refusal's hint. */
public final class WritingFunctions {
  private static final Map<String, String> FUNCTIONS =
      Map.ofEntries(
          Map.entry("insert user_conversations", "get_or_create_conversation"),
          Map.entry(
              "update user_conversations",
              "set_archived, mark_as_delivered, mark_conversation_as_read"),
          Map.entry("insert user_messages", "send_message"),
          Map.entry("update user_messages", "edit_message, mark_as_read, delete_message"),
          Map.entry("delete user_messages", "delete_message"),
          Map.entry("insert message_reactions", "add_reaction"),
          Map.entry("update message_reactions", "add_reaction, remove_reaction"),
          Map.entry("delete message_reactions", "remove_reaction"),
          Map.entry("insert user_presence", "update_presence, update_typing_status"),
          Map.entry("update user_presence", "update_presence, update_typing_status"),
          Map.entry("delete user_presence", "update_presence"),
          Map.entry("insert conversation_preferences", "set_archived, set_muted"),
          Map.entry("update conversation_preferences", "set_archived, set_muted"),
          Map.entry("delete conversation_preferences", "set_archived, set_muted"),
          Map.entry("insert user_blocks", "block_user"),
          Map.entry("update user_blocks", "block_user, unblock_user"),
          Map.entry("delete user_blocks", "unblock_user"),
          Map.entry("insert message_edits", "edit_message"),
          Map.entry("insert chat_files", "begin_upload"),
          Map.entry("update chat_files", "move_file"),
          Map.entry("delete chat_files", "remove_files"),
          Map.entry("insert users", "add_person, with a key of service_role"),
          Map.entry("update users", "add_person, with a key of service_role"),
          Map.entry("insert teams", "add_team, with a key of service_role"));

  /** A statement as jOOQ quotes it in its exceptions: what it writes to first. */
  private static final Pattern STATEMENT =
      Pattern.compile(
          "\\bSQL \\[\\s*(insert\\s+into|merge\\s+into|update|delete\\s+from)\\s+(?:\"?public\"?\\.)?\"?(\\w+)\"?",
          Pattern.CASE_INSENSITIVE);

  private WritingFunctions() {}

  /**
   * Which function to call instead.
   *
   * @param command {@code insert}, {@code update} or {@code delete}
   * @param table its name in schema {@code public}
   * @return a sentence; null where there is none
   */
  public static @Nullable String hint(String command, String table) {
    String functions = FUNCTIONS.get(command + " " + table);
    return functions == null ? null : "Call the function " + functions.replace(", ", " or ");
  }

  /** The same for a statement that jOOQ says failed; null for another failure. */
  static @Nullable String hint(RuntimeException failure) {
    Matcher statement = STATEMENT.matcher(String.valueOf(failure.getMessage()));
    if (!statement.find()) {
      return null;
    }
    String command = statement.group(1).toLowerCase(Locale.ROOT).split("\\s", 2)[0];
    return hint(command.equals("merge") ? "insert" : command, statement.group(2));
  }
}
