package com.gptdesk.chat.service.files;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A small picture that was made of a file and is kept beside it, as an object of its own. The
 * file's details describe it.
 *
 * @param slot which one of the file, from 0
 * @param size in bytes
 * @param type the media type
 */
public record Thumbnail(int slot, int width, int height, long size, String type) {
  /** A file has no more. */
  static final int MOST = 4;

  private static final String KEY = "thumbnails";

  /** Those of a file, smallest first. */
  static List<Thumbnail> of(StoredFile file) {
    List<Thumbnail> thumbnails = new ArrayList<>();
    for (JsonNode each : file.details().path(KEY)) {
      thumbnails.add(
          new Thumbnail(
              each.path("slot").asInt(),
              each.path("width").asInt(),
              each.path("height").asInt(),
              each.path("size").asLong(),
              each.path("type").asString()));
    }
    return thumbnails;
  }

  /** Adds it to what is told of its file. */
  void describe(ObjectNode details) {
    details
        .withArray(KEY)
        .addObject()
        .put("slot", slot)
        .put("width", width)
        .put("height", height)
        .put("size", size)
        .put("type", type);
  }

  /** What the service measured, without what it keeps for itself. */
  public static ObjectNode without(ObjectNode details) {
    ObjectNode shown = details.deepCopy();
    shown.remove(KEY);
    return shown;
  }

  /**
   * The smallest one that fills what is asked for, as a file of its own.
   *
   * @param width in pixels; null for any
   * @param height in pixels; null for any
   * @param inside whether the picture has to fit into width and height, or to fill them
   * @return null when only the picture itself is large enough, or it has no such one
   */
  public static @Nullable StoredFile atLeast(
      StoredFile file, @Nullable Integer width, @Nullable Integer height, boolean inside) {
    double fullWidth = file.details().path("width").asDouble(0);
    double fullHeight = file.details().path("height").asDouble(0);
    if (fullWidth < 1 || fullHeight < 1 || (width == null && height == null)) {
      return null;
    }
    double byWidth = width == null ? 0 : width / fullWidth;
    double byHeight = height == null ? 0 : height / fullHeight;
    boolean both = width != null && height != null;
    double scale = both && inside ? Math.min(byWidth, byHeight) : Math.max(byWidth, byHeight);
    for (Thumbnail each : of(file)) {
      if (each.width >= Math.round(scale * fullWidth)
          && each.height >= Math.round(scale * fullHeight)) {
        return each.asFile(file);
      }
    }
    return null;
  }

  private StoredFile asFile(StoredFile file) {
    return new StoredFile(
        object(file.id(), slot),
        file.conversation(),
        file.name(),
        file.uploader(),
        file.stored(),
        size,
        type,
        file.sha256() + "-" + slot, // of the file's own, as it changes with that alone
        file.metadata(),
        file.details(),
        file.created(),
        file.updated());
  }

  /** The key of a small picture's object, which follows from that of its file. */
  static UUID object(UUID file, int slot) {
    return UUID.nameUUIDFromBytes((file + "/" + slot).getBytes(StandardCharsets.UTF_8));
  }

  /** All objects that a file may have beside its own. */
  static List<UUID> objects(UUID file) {
    List<UUID> objects = new ArrayList<>();
    for (int slot = 0; slot < MOST; slot++) {
      objects.add(object(file, slot));
    }
    return objects;
  }
}
