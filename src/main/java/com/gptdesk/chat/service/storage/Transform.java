package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.files.Thumbnail;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * How large a picture is wanted, as clients of Supabase Storage say it. It chooses among the small
 * pictures that were made, and none is made for it: proportions and quality stay as they are.
 *
 * @param width in pixels; null for any
 * @param height in pixels; null for any
 * @param resize cover, contain or fill
 */
record Transform(@Nullable Integer width, @Nullable Integer height, String resize) {
  private static final int LARGEST = 2500;
  private static final Set<String> RESIZES = Set.of("cover", "contain", "fill");

  static Transform of(Map<String, String> query) {
    return read(query::get);
  }

  /** Of the body of a request for a signed address; null where none is wanted. */
  static @Nullable Transform of(JsonNode transform) {
    return transform.isObject() && !transform.isEmpty()
        ? read(
            name -> {
              JsonNode value = transform.path(name);
              return value.isMissingNode() || value.isNull() ? null : value.asString();
            })
        : null;
  }

  /** Of the token of a signed address, as {@link #toString} wrote it. */
  static Transform of(String claim) {
    String[] parts = claim.split(",", -1);
    return new Transform(number(parts[0]), number(parts[1]), parts[2]);
  }

  private static @Nullable Integer number(String text) {
    return text.isEmpty() ? null : Integer.valueOf(text);
  }

  private static Transform read(Function<String, @Nullable String> given) {
    String resize = given.apply("resize");
    if (resize != null && !RESIZES.contains(resize)) {
      throw StorageErrors.invalid("resize must be cover, contain or fill").stop();
    }
    number(given.apply("quality"), "quality", 20, 100);
    return new Transform(
        number(given.apply("width"), "width", 1, LARGEST),
        number(given.apply("height"), "height", 1, LARGEST),
        resize == null ? "cover" : resize);
  }

  private static @Nullable Integer number(@Nullable String text, String name, int least, int most) {
    if (text == null) {
      return null;
    }
    if (!text.matches("\\d{1,4}")
        || Integer.parseInt(text) < least
        || Integer.parseInt(text) > most) {
      throw StorageErrors.invalid(
              "%s must be a whole number from %d to %d".formatted(name, least, most))
          .stop();
    }
    return Integer.valueOf(text);
  }

  /** The small picture that is large enough; null when only the file itself is. */
  @Nullable StoredFile choose(StoredFile file) {
    return Thumbnail.atLeast(file, width, height, resize.equals("contain"));
  }

  /** For a token. */
  @Override
  public String toString() {
    return (width == null ? "" : width) + "," + (height == null ? "" : height) + "," + resize;
  }
}
