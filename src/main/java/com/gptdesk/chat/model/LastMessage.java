package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.UUID;

/**
 * The last message of a conversation, as a list of conversations shows it.
 *
 * @param id the message's id, a UUIDv7
 * @param seq its number in the conversation, from 1
 * @param senderId who said it
 * @param content plain text; empty once deleted
 * @param messageType what it carries
 * @param createdAt when it was numbered
 * @param isDeleted whether its sender took it back
 */
public record LastMessage(
    UUID id,
    long seq,
    UUID senderId,
    String content,
    MessageType messageType,
    Instant createdAt,
    boolean isDeleted) {}
