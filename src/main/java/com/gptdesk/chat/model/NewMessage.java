package com.gptdesk.chat.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message to send. {@code NewMessage.text("hi").withId(id)}.
 *
 * @param content plain text; may be empty with an attachment
 * @param messageType what it carries
 * @param attachment the file or picture; null for a text
 * @param id a UUIDv7 of this moment, the idempotency key: sent again it returns the first message
 *     and sends nothing; null to let the database choose
 * @param metadata what your program wants to keep with it: a JSON object of at most 16384 bytes, of
 *     maps, lists, strings, numbers, booleans and nulls
 */
public record NewMessage(
    String content,
    MessageType messageType,
    @Nullable Attachment attachment,
    @Nullable UUID id,
    Map<String, @Nullable Object> metadata) {

  /** Keeps the map as it is now. */
  public NewMessage {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * A text.
   *
   * @param content at least one character that is no white space
   * @return the message
   */
  public static NewMessage text(String content) {
    return new NewMessage(content, MessageType.TEXT, null, null, Map.of());
  }

  /**
   * A file.
   *
   * @param content a text to go with it; may be empty
   * @param file where it is
   * @return the message
   */
  public static NewMessage file(String content, Attachment file) {
    return new NewMessage(content, MessageType.FILE, file, null, Map.of());
  }

  /**
   * A picture.
   *
   * @param content a text to go with it; may be empty
   * @param image where it is
   * @return the message
   */
  public static NewMessage image(String content, Attachment image) {
    return new NewMessage(content, MessageType.IMAGE, image, null, Map.of());
  }

  /**
   * The same with an idempotency key.
   *
   * @param key a UUIDv7 of this moment
   * @return the message
   */
  public NewMessage withId(UUID key) {
    return new NewMessage(content, messageType, attachment, key, metadata);
  }

  /**
   * The same with something to keep with it.
   *
   * @param kept a JSON object
   * @return the message
   */
  public NewMessage withMetadata(Map<String, @Nullable Object> kept) {
    return new NewMessage(content, messageType, attachment, id, kept);
  }
}
