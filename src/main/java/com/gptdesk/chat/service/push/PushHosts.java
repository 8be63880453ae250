package com.gptdesk.chat.service.push;

import com.gptdesk.chat.service.settings.Setting;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The push services that notices may be posted to. A browser names the address, so without such a
 * list anybody could let the service post anywhere. The database asks the same ({@code
 * chat.is_push_host}); here it is asked again before each request.
 *
 * @param names {@code host} or {@code host:port} by https; {@code *.host} for any below it; {@code
 *     http://127.0.0.1:port} for trying
 */
public record PushHosts(List<String> names) {
  static final List<String> KNOWN =
      List.of(
          "fcm.googleapis.com",
          "updates.push.services.mozilla.com",
          "*.notify.windows.com",
          "web.push.apple.com");

  private static final Pattern NAME =
      Pattern.compile(
          "(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)+(:\\d{1,5})?|http://(127\\.0\\.0\\.1|localhost):\\d{1,5}");

  private static final Pattern ORIGIN =
      Pattern.compile("(https?://[a-z0-9.-]+(?::\\d{1,5})?)/[!-~]*");

  /** The names between commas; null where one is no host. */
  static @Nullable PushHosts of(String text) {
    List<String> names = Setting.listOf(text);
    return names.stream().allMatch(name -> NAME.matcher(name).matches())
        ? new PushHosts(names)
        : null;
  }

  /** The origin of an address, as a token names its audience; null where nothing may be posted. */
  @Nullable String originOf(String endpoint) {
    Matcher matcher = ORIGIN.matcher(endpoint);
    if (!matcher.matches()) {
      return null;
    }
    String origin = matcher.group(1);
    return names.stream().anyMatch(name -> isOf(name, origin)) ? origin : null;
  }

  private static boolean isOf(String name, String origin) {
    if (name.startsWith("http://")) {
      return origin.equals(name);
    }
    return name.startsWith("*.")
        ? origin.startsWith("https://") && origin.endsWith(name.substring(1))
        : origin.equals("https://" + name);
  }
}
