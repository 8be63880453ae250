package com.gptdesk.chat.model;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A person's profile, as their contacts see it.
 *
 * @param id the person's id
 * @param fullName the name to show; null where the platform has none
 * @param avatarUrl the address of a picture; null without one
 */
public record Person(UUID id, @Nullable String fullName, @Nullable String avatarUrl) {}
