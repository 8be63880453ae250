package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A message as its readers see it.
 *
 * @param id the message's id, a UUIDv7: it sorts by time
 * @param conversationId its conversation
 * @param seq its number in the conversation: 1, 2, 3 … without gaps
 * @param senderId its sender
 * @param recipientId its recipient
 * @param sender the sender's profile; null for a person who no longer exists
 * @param content plain text; empty once deleted
 * @param messageType its type
 * @param attachment the file or picture; null for a text, and once deleted
 * @param createdAt when it was numbered
 * @param updatedAt when it was sent, last edited or deleted
 * @param isEdited whether its text was changed
 * @param isDeleted whether its sender deleted it
 * @param readBy who marked it as read; unread counts use read positions instead
 * @param metadata data of the sender's program: a JSON object as maps, lists, strings, numbers,
 *     booleans and nulls
 * @param sentRevision the conversation's revision when it was sent
 * @param revision the conversation's revision when it last changed
 * @param reactions the oldest first
 * @param writtenAt when it was written, as its sender's client says, where that is more than a
 *     minute before {@code createdAt}; else null
 * @param clientId the id that the sender's client chose, where the message has another; else null
 */
public record Message(
    UUID id,
    UUID conversationId,
    long seq,
    UUID senderId,
    UUID recipientId,
    @Nullable Person sender,
    String content,
    MessageType messageType,
    @Nullable Attachment attachment,
    Instant createdAt,
    Instant updatedAt,
    boolean isEdited,
    boolean isDeleted,
    List<UUID> readBy,
    Map<String, @Nullable Object> metadata,
    long sentRevision,
    long revision,
    List<Reaction> reactions,
    @Nullable Instant writtenAt,
    @Nullable UUID clientId) {

  /** Copies the lists and the map. */
  public Message {
    readBy = List.copyOf(readBy);
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    reactions = List.copyOf(reactions);
  }
}
