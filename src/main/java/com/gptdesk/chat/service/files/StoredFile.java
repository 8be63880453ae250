package com.gptdesk.chat.service.files;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A file as its row in {@code public.chat_files} describes it.
 *
 * @param name the path below the conversation's folder
 * @param stored false while it is uploading
 * @param size in bytes; while it is uploading as the client says, and null when it does not
 * @param type the media type; while it is uploading as the client says, and null when it does not
 * @param sha256 in hexadecimal digits; null while it is uploading
 * @param metadata the uploader's
 * @param details what the service measured
 */
public record StoredFile(
    UUID id,
    UUID conversation,
    String name,
    UUID uploader,
    boolean stored,
    @Nullable Long size,
    @Nullable String type,
    @Nullable String sha256,
    ObjectNode metadata,
    ObjectNode details,
    Instant created,
    Instant updated) {

  /** The last part of its path. */
  public String lastName() {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** How many bytes it has, or will have; 0 when nobody knows yet. */
  public long length() {
    return size == null ? 0 : size;
  }
}
