package com.gptdesk.chat.service.http;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the certificate lies that the service shows, and the key that proves it is the service's.
 *
 * @param certificate PEM: the service's own first, then those between it and a known authority
 * @param key PEM: its private key, not encrypted
 */
public record TlsFiles(Path certificate, Path key) {

  private static final Setting<@Nullable Path> CERTIFICATE =
      Setting.path(
          "CHAT_TLS_CERTIFICATE", "none", "PEM file of the certificate to show, for HTTPS");
  private static final Setting<@Nullable Path> KEY =
      Setting.path("CHAT_TLS_KEY", "none", "PEM file of its private key")
          .shown(Setting.Shown.SECRET);

  /** Those of TLS. */
  public static final List<Setting<?>> SETTINGS = List.of(CERTIFICATE, KEY);

  /**
   * As the environment says; null for plain HTTP. What the files hold is looked at later, and again
   * when they are replaced.
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
