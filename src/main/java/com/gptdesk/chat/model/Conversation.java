package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A conversation as one of its two people sees it.
 *
 * @param id the conversation's id
 * @param otherUser the other one
 * @param lastMessage null until there is one, and when retention has dropped it
 * @param lastMessageAt when the last message was sent; null until there is one
 * @param lastMessageSeq the last message's number, and so how many were ever sent
 * @param readSeq up to which number this person has read
 * @param otherReadSeq up to which number the other one has read
 * @param unreadCount how many messages this person has not read
 * @param revision counts changes of messages; who holds it asks for what came after it
 * @param isArchived whether it is put away, until the next message
 * @param isMuted whether this person wants no sound of it now
 * @param createdAt when it was opened
 */
public record Conversation(
    UUID id,
    OtherUser otherUser,
    @Nullable LastMessage lastMessage,
    @Nullable Instant lastMessageAt,
    long lastMessageSeq,
    long readSeq,
    long otherReadSeq,
    long unreadCount,
    long revision,
    boolean isArchived,
    boolean isMuted,
    Instant createdAt) {}
