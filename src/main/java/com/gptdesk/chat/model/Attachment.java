package com.gptdesk.chat.model;

import org.jspecify.annotations.Nullable;

/**
 * A file or picture: one that is stored elsewhere, or a file of the service's.
 *
 * @param url its http or https address, at most 2048 characters; or the storage path of a file that
 *     the sender has uploaded to the conversation, whose name and size then count
 * @param name the name to show, at most 255 characters; null without one
 * @param size in bytes; null when it is not known
 */
public record Attachment(String url, @Nullable String name, @Nullable Long size) {}
