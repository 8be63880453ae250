package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message to send. {@code NewMessage.text("hi").withId(id)}.
 *
 * @param content plain text; may be empty with an attachment
 * @param messageType its type
 * @param attachment the file or picture; null for a text
 * @param id any UUID but the nil one, the idempotency key: a repetition returns the first message
 *     and sends nothing. A UUIDv7 of this moment is the message's id as well; any other is its
 *     {@link Message#clientId}. Null to let the database choose
 * @param metadata data of your program: a JSON object of at most 16384 bytes, of maps, lists,
 *     strings, numbers, booleans and nulls
 * @param writtenAt when it was written, by the server's clock, for a message that is sent later;
 *     null for now. Within the last minute and in the future it is as good as null
 */
public record NewMessage(
    String content,
    MessageType messageType,
    @Nullable Attachment attachment,
    @Nullable UUID id,
    Map<String, @Nullable Object> metadata,
    @Nullable Instant writtenAt) {

  /** Copies the map. */
  public NewMessage {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * A text message.
   *
   * @param content at least one character that can be seen
   * @return the message
   */
  public static NewMessage text(String content) {
    return new NewMessage(content, MessageType.TEXT, null, null, Map.of(), null);
  }

  /**
   * A file message.
   *
   * @param content an accompanying text; may be empty
   * @param file where it is
   * @return the message
   */
  public static NewMessage file(String content, Attachment file) {
    return new NewMessage(content, MessageType.FILE, file, null, Map.of(), null);
  }

  /**
   * A picture message.
   *
   * @param content an accompanying text; may be empty
   * @param image where it is
   * @return the message
   */
  public static NewMessage image(String content, Attachment image) {
    return new NewMessage(content, MessageType.IMAGE, image, null, Map.of(), null);
  }

  /**
   * The same with an idempotency key.
   *
   * @param key any UUID but the nil one, the same for each try
   * @return the message
   */
  public NewMessage withId(UUID key) {
    return new NewMessage(content, messageType, attachment, key, metadata, writtenAt);
  }

  /**
   * The same with data of your program.
   *
   * @param kept a JSON object
   * @return the message
   */
  public NewMessage withMetadata(Map<String, @Nullable Object> kept) {
    return new NewMessage(content, messageType, attachment, id, kept, writtenAt);
  }

  /**
   * The same with the time when it was written, for a message that could not be sent at once.
   *
   * @param moment by the server's clock
   * @return the message
   */
  public NewMessage withWrittenAt(Instant moment) {
    return new NewMessage(content, messageType, attachment, id, metadata, moment);
  }
}
