package com.gptdesk.chat.model;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Who somebody is, as those see it who have to do with that person.
 *
 * @param id the person's id
 * @param fullName the name to show; null where the platform has none
 * @param avatarUrl the address of a picture; null without one
 */
public record Person(UUID id, @Nullable String fullName, @Nullable String avatarUrl) {}
