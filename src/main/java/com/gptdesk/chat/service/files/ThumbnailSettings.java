package com.gptdesk.chat.service.files;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which small pictures are made of each picture, and what making them may take.
 *
 * @param sizes their longer sides in pixels, ascending, at most four; empty: none are made
 * @param threads how many pictures are decoded at once
 * @param memory bytes that decoding one picture may need
 * @param limit so long an upload waits for its small pictures
 */
public record ThumbnailSettings(List<Integer> sizes, int threads, long memory, Duration limit) {
  private static final long MIB = 1 << 20;
  private static final int LEAST = 16;
  private static final int MOST = 2048;

  private static final Setting<List<Integer>> SIZES =
      Setting.of(
          "CHAT_STORAGE_THUMBNAILS",
          "none, or 1 to 4 ascending numbers from 16 to 2048, separated by commas",
          ThumbnailSettings::sizesOf,
          List.of(320, 960),
          "320,960",
          "the longer sides of the small pictures that are made of each picture; `none`: no picture is decoded");
  private static final Setting<Integer> THREADS =
      Setting.number(
          "CHAT_STORAGE_THUMBNAIL_THREADS", 1, 1, 64, "how many pictures are decoded at once");
  private static final Setting<Integer> MEMORY =
      Setting.number(
          "CHAT_STORAGE_THUMBNAIL_MIB",
          128,
          16,
          16_384,
          "memory that decoding one picture may need; one that needs more is stored without small ones");
  private static final Setting<Duration> LIMIT =
      Setting.millis(
          "CHAT_STORAGE_THUMBNAIL_MS",
          10_000,
          100,
          600_000,
          "so long an upload waits for its small pictures; then it is stored without");

  /** For help and for the document. */
  static final List<Setting<?>> SETTINGS = List.of(SIZES, THREADS, MEMORY, LIMIT);

  public ThumbnailSettings {
    sizes = List.copyOf(sizes);
  }

  /** No picture is decoded. */
  public static ThumbnailSettings none() {
    return new ThumbnailSettings(List.of(), 1, 0, Duration.ZERO);
  }

  static ThumbnailSettings from(Settings settings) {
    return new ThumbnailSettings(
        settings.get(SIZES),
        settings.get(THREADS),
        settings.get(MEMORY) * MIB,
        settings.get(LIMIT));
  }

  private static @Nullable List<Integer> sizesOf(String text) {
    List<Integer> sizes = new ArrayList<>();
    if (text.equals("none")) {
      return sizes;
    }
    int before = LEAST - 1;
    for (String each : Setting.listOf(text)) {
      int size = Integer.parseInt(each);
      if (size <= before || size > MOST) {
        return null;
      }
      sizes.add(size);
      before = size;
    }
    return sizes.size() > Thumbnail.MOST ? null : sizes;
  }
}
