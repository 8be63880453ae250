package com.gptdesk.chat.service.http;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files of the service's certificate and of its private key.
 *
 * @param certificate PEM: the service's own certificate first, then the intermediate ones
 * @param key PEM: the private key, not encrypted
 */
public record TlsFiles(Path certificate, Path key) {

  private static final Setting<@Nullable Path> CERTIFICATE =
      Setting.path(
          "CHAT_TLS_CERTIFICATE",
          "none",
          "PEM file; with it the port speaks HTTPS and WebSockets over TLS 1.2 or 1.3, and no plain HTTP. A renewed file is used within seconds, without a restart");
  private static final Setting<@Nullable Path> KEY =
      Setting.path("CHAT_TLS_KEY", "none", "PEM file of its private key")
          .shown(Setting.Shown.SECRET);

  /** The settings of TLS. */
  public static final List<Setting<?>> SETTINGS = List.of(CERTIFICATE, KEY);

  /**
   * Read from the environment; null for plain HTTP. The files are read later, and again when they
   * are replaced.
   */
  public static @Nullable TlsFiles from(Settings settings) {
    Path certificate = settings.get(CERTIFICATE);
    Path key = settings.get(KEY);
    if (settings.has(CERTIFICATE) != settings.has(KEY)) {
      settings.problem("Set both CHAT_TLS_CERTIFICATE and CHAT_TLS_KEY, or neither.");
    }
    return certificate == null || key == null ? null : new TlsFiles(certificate, key);
  }
}
