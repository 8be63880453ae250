package com.gptdesk.chat.model;

import org.jooq.Converter;

/**
 * Converters for the text columns whose words are known, for queries of your own: {@code
 * USER_MESSAGES.MESSAGE_TYPE.convert(WordColumns.messageType())}. The columns themselves are texts,
 * so a word of a newer version can be read, too. Thread-safe.
 */
public final class WordColumns {

  private WordColumns() {}

  /**
   * {@code message_type} of messages, wherever it occurs.
   *
   * @return from and to {@link MessageType}; a word that this version does not know is refused as
   *     {@link MessageType#of} does
   */
  public static Converter<String, MessageType> messageType() {
    return Converter.ofNullable(
        String.class, MessageType.class, MessageType::of, MessageType::toString);
  }

  /**
   * {@code status} of presence.
   *
   * @return from and to {@link Presence.Status}; a word that this version does not know is refused
   *     as {@link Presence.Status#of} does
   */
  public static Converter<String, Presence.Status> presenceStatus() {
    return Converter.ofNullable(
        String.class, Presence.Status.class, Presence.Status::of, Presence.Status::toString);
  }

  static <E extends Enum<E>> E meaningOf(String word, E[] known, String what) {
    for (E each : known) {
      if (each.toString().equals(word)) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        "This version of gptdesk-chat knows no %s \"%s\": update it, or read the column as the text that it is."
            .formatted(what, word));
  }
}
