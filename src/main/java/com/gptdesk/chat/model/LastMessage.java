package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.UUID;

/**
 * The last message of a conversation, for a list of conversations.
 *
 * @param id the message's id, a UUIDv7
 * @param seq its number in the conversation, from 1
 * @param senderId its sender
 * @param content plain text; empty once deleted
 * @param messageType its type
 * @param createdAt when it was numbered
 * @param isDeleted whether its sender deleted it
 */
public record LastMessage(
    UUID id,
    long seq,
    UUID senderId,
    String content,
    MessageType messageType,
    Instant createdAt,
    boolean isDeleted) {}
