package com.gptdesk.chat.model;

import org.jspecify.annotations.Nullable;

/**
 * A file or picture that is stored elsewhere.
 *
 * @param url its http or https address, at most 2048 characters
 * @param name the name to show, at most 255 characters; null without one
 * @param size in bytes; null when it is not known
 */
public record Attachment(String url, @Nullable String name, @Nullable Long size) {}
