package com.gptdesk.chat.service.database;

import static com.gptdesk.chat.database.internal.chat.tables.Settings.SETTINGS;

import org.jooq.Record4;

/**
 * What {@code chat.settings} allows people to write, and clients have to know.
 *
 * @param maxMessageLength characters in a message
 * @param maxReactions different reactions of one person to one message
 * @param reactionNames whether a name in colons, as {@code :party:}, is a reaction
 * @param typingTimeout milliseconds after which typing that was not renewed has ended
 */
public record ChatLimits(
    int maxMessageLength, int maxReactions, boolean reactionNames, int typingTimeout) {

  /** The limits of now. */
  public static ChatLimits in(ServiceDatabase database) {
    Record4<Integer, Integer, Boolean, Integer> row =
        database.asItself(
            tx ->
                tx.select(
                        SETTINGS.MAX_MESSAGE_LENGTH,
                        SETTINGS.MAX_REACTIONS,
                        SETTINGS.REACTION_NAMES,
                        SETTINGS.TYPING_TIMEOUT_MS)
                    .from(SETTINGS)
                    .fetchSingle());
    return new ChatLimits(row.value1(), row.value2(), row.value3(), row.value4());
  }
}
