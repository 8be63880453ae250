package com.gptdesk.chat.service.database;

import static com.gptdesk.chat.database.internal.chat.tables.Settings.SETTINGS;

import java.util.List;
import org.jooq.Record6;
import org.jspecify.annotations.Nullable;

/**
 * What {@code chat.settings} allows people to write, and clients have to know.
 *
 * @param maxMessageLength characters in a message
 * @param maxReactions different reactions of one person to one message
 * @param reactionNames whether a name in colons, as {@code :party:}, is a reaction
 * @param typingTimeout milliseconds after which typing that was not renewed has ended
 * @param maxFileBytes bytes of an uploaded file
 * @param fileTypes content types of files, as {@code image/*}; null for any
 */
public record ChatLimits(
    int maxMessageLength,
    int maxReactions,
    boolean reactionNames,
    int typingTimeout,
    long maxFileBytes,
    @Nullable List<String> fileTypes) {

  public ChatLimits {
    fileTypes = fileTypes == null ? null : List.copyOf(fileTypes);
  }

  /** The limits of now. */
  public static ChatLimits in(ServiceDatabase database) {
    Record6<Integer, Integer, Boolean, Integer, Long, String[]> row =
        database.asItself(
            tx ->
                tx.select(
                        SETTINGS.MAX_MESSAGE_LENGTH,
                        SETTINGS.MAX_REACTIONS,
                        SETTINGS.REACTION_NAMES,
                        SETTINGS.TYPING_TIMEOUT_MS,
                        SETTINGS.MAX_FILE_BYTES,
                        SETTINGS.FILE_TYPES)
                    .from(SETTINGS)
                    .fetchSingle());
    String[] types = row.value6();
    return new ChatLimits(
        row.value1(),
        row.value2(),
        row.value3(),
        row.value4(),
        row.value5(),
        types == null ? null : List.of(types));
  }
}
