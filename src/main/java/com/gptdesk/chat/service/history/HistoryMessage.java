package com.gptdesk.chat.service.history;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A direct message as another chat exports it.
 *
 * @param id its id there, the same at each reading of the export
 * @param sender who said it
 * @param recipient to whom
 * @param text plain text; empty for a file without one
 * @param sentAt when; null when the export has no time that can be read
 * @param editedAt when it was last changed; null for never
 * @param file what was sent with it; null for nothing
 * @param reactions what the two gave it
 */
record HistoryMessage(
    String id,
    HistoryPerson sender,
    HistoryPerson recipient,
    String text,
    @Nullable Instant sentAt,
    @Nullable Instant editedAt,
    @Nullable File file,
    List<Reaction> reactions) {

  /**
   * A file.
   *
   * @param address where it can be fetched; relative when the export says no more; null for unknown
   * @param name its name; null for unknown
   * @param size in bytes; null for unknown
   * @param isImage whether it is shown as an image
   */
  record File(
      @Nullable String address, @Nullable String name, @Nullable Long size, boolean isImage) {}

  /**
   * A reaction.
   *
   * @param by who gave it
   * @param name an emoji, or its short name without colons
   */
  record Reaction(HistoryPerson by, String name) {}
}
