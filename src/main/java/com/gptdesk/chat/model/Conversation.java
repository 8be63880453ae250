package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A conversation as one of its two participants sees it.
 *
 * @param id the conversation's id
 * @param otherUser the other participant
 * @param lastMessage null when there is none, or retention has dropped it
 * @param lastMessageAt when the last message was sent; null until there is one
 * @param lastMessageSeq the number of the last message, and so how many were ever sent
 * @param readSeq the number up to which this person has read; less where they marked it as unread
 * @param otherReadSeq the number up to which the other participant has read
 * @param unreadCount how many messages this person has not read; without those that were deleted
 * @param revision counts changes of messages; with it a client can ask for later changes
 * @param isArchived whether it is archived, until the next message
 * @param isMuted whether this person has muted it
 * @param createdAt when it was created
 * @param firstUnreadSeq the number of the first unread message; null when there is none
 * @param partnerStatus {@code active}, or why this person can no longer write there: the reason
 *     code {@code gone}, {@code apart} or {@code blocking} of the refusal
 * @param mutedUntil when the mute ends, or has ended; null where there is none, or one for good
 * @param deliveredSeq the number up to which a device of this person has received the messages, or
 *     they have read them
 * @param otherDeliveredSeq the same of the other participant
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
    Instant createdAt,
    @Nullable Long firstUnreadSeq,
    String partnerStatus,
    @Nullable Instant mutedUntil,
    long deliveredSeq,
    long otherDeliveredSeq) {}
