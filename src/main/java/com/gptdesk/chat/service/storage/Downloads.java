package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.DiskStore;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.http.HttpDate;
import com.gptdesk.chat.service.http.Problem;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers with a file or a part of it, so that a browser runs nothing of it: what may contain
 * scripts is a download, and everything is sandboxed.
 */
final class Downloads {
  private static final Logger LOG = LoggerFactory.getLogger(Downloads.class);

  /** Beside pictures, sound and films. */
  private static final Set<String> SHOWN = Set.of("text/plain", "application/pdf");

  private final DiskStore store;
  private final FileSettings settings;
  private final FileCounts counts;
  private final Clock clock;

  Downloads(DiskStore store, FileSettings settings, FileCounts counts, Clock clock) {
    this.store = store;
    this.settings = settings;
    this.counts = counts;
    this.clock = clock;
  }

  /** Whose reading it is, for caches. */
  sealed interface Access {
    /** A person's, by their token. */
    record Own() implements Access {}

    /** Of whoever has the address, until it expires. */
    record BySignature(Instant expires) implements Access {}

    /** Anybody's. */
    record Public() implements Access {}
  }

  StorageReply answer(StorageRequest request, StoredFile file, Access access) {
    Path path = store.path(file.id());
    if (!Files.isRegularFile(path)) {
      LOG.error("The bytes of file {} are not in the folder of files", file.id());
      throw StorageErrors.noSuchObject().stop();
    }
    String tag = '"' + String.valueOf(file.sha256()) + '"';
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("ETag", tag);
    headers.put("Last-Modified", HttpDate.of(file.updated()));
    headers.put("Cache-Control", cacheControl(file, access));
    if (access instanceof Access.Own) {
      headers.put("Vary", "Authorization, apikey");
    }
    headers.put("Accept-Ranges", "bytes");
    headers.put("X-Content-Type-Options", "nosniff");
    headers.put("Content-Security-Policy", "default-src 'none'; sandbox");
    headers.put("Content-Disposition", disposition(file, request.query().get("download")));
    headers.put("Content-Type", contentType(file));
    String known = request.header("If-None-Match");
    if (known != null && matches(known, tag)) {
      headers.remove("Content-Type");
      return StorageReply.empty(304, headers);
    }
    String condition = request.header("If-Range");
    ByteRange range =
        condition == null || condition.equals(tag)
            ? ByteRange.of(request.header("Range"), file.length())
            : null;
    if (range != null && !range.isSatisfiable()) {
      throw Problem.of(416, "InvalidRange", "The requested range is not satisfiable")
          .withHeader("Content-Range", "bytes */" + file.length())
          .stop();
    }
    long first = range == null ? 0 : range.first();
    long length = range == null ? file.length() : range.length();
    if (range != null) {
      headers.put(
          "Content-Range", "bytes %d-%d/%d".formatted(range.first(), range.last(), file.length()));
    }
    if (request.method().equals("HEAD")) {
      headers.put("Content-Length", String.valueOf(length));
      return StorageReply.empty(range == null ? 200 : 206, headers);
    }
    counts.sent(length);
    return new StorageReply(
        range == null ? 200 : 206, headers, null, new StorageReply.Part(path, first, length));
  }

  private static boolean matches(String header, String tag) {
    return header.strip().equals("*")
        || Arrays.stream(header.split(",", -1))
            .map(each -> each.strip().replaceFirst("^W/", ""))
            .anyMatch(tag::equals);
  }

  private String cacheControl(StoredFile file, Access access) {
    long wanted = UserMetadata.cacheSeconds(file);
    return switch (access) {
      case Access.Own() -> "private, max-age=" + wanted;
      case Access.Public() -> "public, max-age=" + wanted;
      case Access.BySignature(Instant expires) -> {
        long left = Math.max(0, Duration.between(clock.instant(), expires).toSeconds());
        yield (settings.sharedCache() ? "public" : "private")
            + ", max-age="
            + Math.min(wanted, left);
      }
    };
  }

  private static String contentType(StoredFile file) {
    String type = String.valueOf(file.type());
    return type.startsWith("text/") ? type + "; charset=utf-8" : type;
  }

  /**
   * @param download the name to save it by; empty for its own, null where it may be shown
   */
  private static String disposition(StoredFile file, @Nullable String download) {
    String name = download == null || download.isEmpty() ? file.lastName() : download;
    String encoded = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    return (download == null && mayBeShown(String.valueOf(file.type())) ? "inline" : "attachment")
        + "; filename*=UTF-8''"
        + encoded;
  }

  private static boolean mayBeShown(String type) {
    return (type.startsWith("image/") && !type.contains("xml"))
        || type.startsWith("audio/")
        || type.startsWith("video/")
        || SHOWN.contains(type);
  }
}
