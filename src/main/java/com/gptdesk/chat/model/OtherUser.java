package com.gptdesk.chat.model;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The other person of a conversation.
 *
 * @param id the person's id
 * @param fullName the name to show; null where the platform has none, or shows none any more
 * @param avatarUrl the address of a picture; null without one
 * @param status {@code active} for who may use the chat; the platform's word
 * @param presence whether that person is there; null for who is of another team by now
 */
public record OtherUser(
    UUID id,
    @Nullable String fullName,
    @Nullable String avatarUrl,
    @Nullable String status,
    @Nullable Presence presence) {}
