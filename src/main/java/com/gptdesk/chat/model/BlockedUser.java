package com.gptdesk.chat.model;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Somebody from whom a person takes no messages.
 *
 * @param id the blocked person
 * @param fullName the name
 * @param avatarUrl the picture; null for none
 * @param blockedAt since when
 */
public record BlockedUser(
    UUID id, String fullName, @Nullable String avatarUrl, Instant blockedAt) {}
