package com.gptdesk.chat.model;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A team member that a search found.
 *
 * @param id the person's id
 * @param fullName the name to show; null where the platform has none
 * @param email the address; null where the platform has none
 * @param avatarUrl the address of a picture; null without one
 * @param status always {@code active}, since others are not found
 * @param teamId the team
 */
public record FoundUser(
    UUID id,
    @Nullable String fullName,
    @Nullable String email,
    @Nullable String avatarUrl,
    String status,
    UUID teamId) {}
