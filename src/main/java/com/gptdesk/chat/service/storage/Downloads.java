package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.http.HttpDate;
import com.gptdesk.chat.service.http.Problem;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
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

  private final ObjectStore store;
  private final FileSettings settings;
  private final FileCounts counts;
  private final Clock clock;

  Downloads(ObjectStore store, FileSettings settings, FileCounts counts, Clock clock) {
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

  /** With a small picture that is large enough, or with the file where there is none. */
  StorageReply answer(StorageRequest request, StoredFile file, Transform transform, Access access)
      throws IOException {
    StoredFile small = transform.choose(file);
    return answer(request, small != null && store.isWhole(small.id()) ? small : file, access);
  }

  StorageReply answer(StorageRequest request, StoredFile file, Access access) throws IOException {
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
    if (!(access instanceof Access.Own) && request.method().equals("GET")) {
      ObjectStore.Direct direct =
          store.direct(
              file.id(),
              new ObjectStore.Shown(
                  headers.get("Content-Type"),
                  headers.get("Content-Disposition"),
                  headers.get("Cache-Control")));
      if (direct != null) {
        return redirect(file, access, direct);
      }
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
      if (!store.isWhole(file.id())) {
        throw gone(file);
      }
      headers.put("Content-Length", String.valueOf(length));
      return StorageReply.empty(range == null ? 200 : 206, headers);
    }
    ObjectStore.Content content = store.read(file.id(), first, length);
    if (content == null) {
      throw gone(file);
    }
    counts.sent(length);
    return new StorageReply(range == null ? 200 : 206, headers, null, content);
  }

  private static Problem.Stop gone(StoredFile file) {
    LOG.error("The bytes of file {} are not where files are kept", file.id());
    return StorageErrors.noSuchObject().stop();
  }

  /** A browser keeps it for half the life of the address, so that it finds the bytes it has. */
  private StorageReply redirect(StoredFile file, Access access, ObjectStore.Direct direct) {
    counts.redirected();
    long kept = Math.min(cacheSeconds(file, access), direct.life().toSeconds() / 2);
    return StorageReply.empty(
        302,
        Map.of(
            "Location",
            direct.address().toString(),
            "Cache-Control",
            "private, max-age=" + kept,
            "Referrer-Policy",
            "no-referrer"));
  }

  private static boolean matches(String header, String tag) {
    return header.strip().equals("*")
        || Arrays.stream(header.split(",", -1))
            .map(each -> each.strip().replaceFirst("^W/", ""))
            .anyMatch(tag::equals);
  }

  private String cacheControl(StoredFile file, Access access) {
    boolean shared =
        switch (access) {
          case Access.Own() -> false;
          case Access.Public() -> true;
          case Access.BySignature(Instant expires) -> settings.sharedCache();
        };
    return (shared ? "public" : "private") + ", max-age=" + cacheSeconds(file, access);
  }

  /** As the uploader wants it, and not longer than the address holds. */
  private long cacheSeconds(StoredFile file, Access access) {
    long wanted = UserMetadata.cacheSeconds(file);
    return access instanceof Access.BySignature(Instant expires)
        ? Math.min(wanted, Math.max(0, Duration.between(clock.instant(), expires).toSeconds()))
        : wanted;
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
