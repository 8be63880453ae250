package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.database.StorableText;
import com.gptdesk.chat.service.files.StoredFile;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The path of a file in the bucket: {@code <conversation>/<name>}. It names a row and never a place
 * on the disk.
 */
record ObjectPath(UUID conversation, String name) {
  private static final int UUID_LENGTH = 36;

  /** Null for what is no such path. */
  static @Nullable ObjectPath of(String path) {
    String plain = path.startsWith("/") ? path.substring(1) : path;
    if (plain.length() <= UUID_LENGTH + 1 || plain.charAt(UUID_LENGTH) != '/') {
      return null;
    }
    try {
      UUID conversation = UUID.fromString(plain.substring(0, UUID_LENGTH));
      return new ObjectPath(conversation, plain.substring(UUID_LENGTH + 1));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** For reads: another path names nothing. */
  static ObjectPath existing(String path) {
    ObjectPath found = of(path);
    if (found == null) {
      throw StorageErrors.noSuchObject().stop();
    }
    return found;
  }

  /** For writes: another path is refused, as is one with what no database can store. */
  static ObjectPath wanted(String path) {
    ObjectPath found = of(path);
    if (found == null || !StorableText.of(path).equals(path)) {
      throw StorageErrors.invalidKey(path).stop();
    }
    return found;
  }

  static ObjectPath of(StoredFile file) {
    return new ObjectPath(file.conversation(), file.name());
  }

  @Override
  public String toString() {
    return conversation + "/" + name;
  }
}
