package com.gptdesk.chat.service.server;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.service.database.ChatLimits;
import com.gptdesk.chat.service.http.Reply;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /page.json}: what the Messages page, or an application with its parts, needs at its start.
 * The limits are read from the database at most once a second. Thread-safe; blocks meanwhile.
 */
public final class PageSettings {
  private static final JsonMapper JSON = new JsonMapper();
  private static final long KEPT = Duration.ofSeconds(1).toNanos();

  private final boolean demo;
  private final boolean enabled;
  private final boolean files;
  private final @Nullable String anonKey;
  private final List<String> hosts;
  private final Supplier<ChatLimits> source;
  private final ReentrantLock reading = new ReentrantLock();
  private @Nullable String pushKey;
  private @Nullable ChatLimits limits;
  private final LongSupplier nanoClock;
  private long until;

  /**
   * @param http which applications may show the page in a frame, and its key
   * @param demo whether the page offers the demo's people
   * @param enabled whether functions are served
   * @param files whether files are stored
   * @param source reads the limits; may throw {@link DatabaseUnavailable}
   */
  public PageSettings(
      HttpSettings http,
      boolean demo,
      boolean enabled,
      boolean files,
      Supplier<ChatLimits> source) {
    this(http, demo, enabled, files, source, System::nanoTime);
  }

  PageSettings(
      HttpSettings http,
      boolean demo,
      boolean enabled,
      boolean files,
      Supplier<ChatLimits> source,
      LongSupplier nanoClock) {
    this.demo = demo;
    this.enabled = enabled;
    this.files = files;
    this.anonKey = http.anonKey();
    this.hosts = http.pageHosts();
    this.source = source;
    this.nanoClock = nanoClock;
    this.until = nanoClock.getAsLong();
  }

  /** Before it is read: what browsers subscribe to push notifications with; null for none. */
  public PageSettings withPushKey(@Nullable String publicKey) {
    this.pushKey = publicKey;
    return this;
  }

  /**
   * {@code {"demo", "enabled", "files", "anon_key", "hosts", "push_key", "limits"}}; without a push
   * key, nobody is told by push. While the database is away the limits are those that were read
   * last, and are missing when none were.
   */
  Reply read() {
    ObjectNode settings = JSON.createObjectNode();
    settings.put("demo", demo);
    settings.put("enabled", enabled);
    settings.put("files", files);
    settings.put("anon_key", anonKey);
    ArrayNode origins = settings.putArray("hosts");
    hosts.forEach(origins::add);
    if (pushKey != null) {
      settings.put("push_key", pushKey);
    }
    ChatLimits now = limits();
    if (now != null) {
      ObjectNode named = settings.putObject("limits");
      named
          .put("max_message_length", now.maxMessageLength())
          .put("max_reactions", now.maxReactions())
          .put("reaction_names", now.reactionNames())
          .put("typing_timeout_ms", now.typingTimeout())
          .put("max_file_bytes", now.maxFileBytes())
          .set("file_types", JSON.valueToTree(now.fileTypes()));
    }
    return new Reply(
        200,
        "application/json; charset=utf-8",
        Map.of("Cache-Control", "no-cache"),
        JSON.writeValueAsString(settings));
  }

  private @Nullable ChatLimits limits() {
    reading.lock();
    try {
      if (nanoClock.getAsLong() - until >= 0) {
        limits = source.get();
        until = nanoClock.getAsLong() + KEPT;
      }
    } catch (DatabaseUnavailable e) {
      // The page starts all the same, and says itself that it has no connection.
    } finally {
      reading.unlock();
    }
    return limits;
  }
}
