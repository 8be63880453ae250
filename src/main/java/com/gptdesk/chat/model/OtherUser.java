package com.gptdesk.chat.model;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The other person of a conversation.
 *
 * @param id the person's id
 * @param fullName the name to show; null where the platform has none, or no longer shows it
 * @param avatarUrl the address of a picture; null without one
 * @param status {@code active} for a person who may use the chat; the platform's word
 * @param presence whether that person is there; null for a person who has left the team
 */
public record OtherUser(
    UUID id,
    @Nullable String fullName,
    @Nullable String avatarUrl,
    @Nullable String status,
    @Nullable Presence presence) {}
