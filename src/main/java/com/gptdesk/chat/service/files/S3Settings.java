package com.gptdesk.chat.service.files;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A bucket for files.
 *
 * @param endpoint null for Amazon's of the region
 * @param publicEndpoint how people reach it; null for the same
 * @param accessKey null for what the SDK finds on the machine
 * @param secretKey null for what the SDK finds on the machine
 * @param pathStyle whether the bucket stands in the path and not in the name of the host
 * @param prefix of all keys
 * @param redirects whether signed addresses lead to the bucket, so that bytes do not pass here
 * @param addressLife how long such an address holds
 * @param timeout after so long without an answer an attempt is given up
 */
public record S3Settings(
    @Nullable URI endpoint,
    @Nullable URI publicEndpoint,
    String bucket,
    String region,
    @Nullable String accessKey,
    @Nullable String secretKey,
    boolean pathStyle,
    String prefix,
    boolean redirects,
    Duration addressLife,
    Duration timeout) {

  private static final Setting<@Nullable String> BUCKET =
      Setting.text(
          "CHAT_STORAGE_S3_BUCKET",
          "none",
          "files lie in this bucket; CHAT_STORAGE_DIR then has only what is being uploaded");
  private static final Setting<@Nullable URI> ENDPOINT =
      Setting.httpAddress(
          "CHAT_STORAGE_S3_ENDPOINT", "the S3 that has the bucket; without it Amazon's");
  private static final Setting<@Nullable URI> PUBLIC_ENDPOINT =
      Setting.httpAddress(
          "CHAT_STORAGE_S3_PUBLIC_ENDPOINT",
          "the same S3 as people reach it, where that differs from CHAT_STORAGE_S3_ENDPOINT");
  private static final Setting<String> REGION =
      Setting.of(
          "CHAT_STORAGE_S3_REGION",
          "letters, digits and -",
          text -> text.matches("[\\w-]+") ? text : null,
          "us-east-1",
          "us-east-1",
          "the region of the bucket");
  private static final Setting<@Nullable String> ACCESS_KEY =
      Setting.secret(
          "CHAT_STORAGE_S3_ACCESS_KEY",
          0,
          "what the SDK finds: AWS_… variables, profile, container, instance",
          "the id of the key for S3");
  private static final Setting<@Nullable String> SECRET_KEY =
      Setting.secret(
          "CHAT_STORAGE_S3_SECRET_KEY",
          0,
          "none",
          "the key that belongs to CHAT_STORAGE_S3_ACCESS_KEY");
  private static final Setting<Boolean> PATH_STYLE =
      Setting.flag(
          "CHAT_STORAGE_S3_PATH_STYLE",
          false,
          "`true`: the bucket stands in the path, as most servers but Amazon's want it");
  private static final Setting<String> PREFIX =
      Setting.of(
          "CHAT_STORAGE_S3_PREFIX",
          "letters, digits, - _ . and /, without / at its start",
          text -> text.matches("(?!/)[\\w./-]*") ? text : null,
          "",
          "none",
          "the beginning of all keys, for a bucket that has other things, too: `chat/`");
  private static final Setting<Boolean> REDIRECT =
      Setting.flag(
          "CHAT_STORAGE_S3_REDIRECT",
          true,
          "reads by a signed address are redirected to the bucket; `false`: their bytes pass the service");
  private static final Setting<Integer> ADDRESS_LIFE =
      Setting.number(
          "CHAT_STORAGE_S3_URL_SECONDS",
          300,
          10,
          86_400,
          "how long an address of the bucket holds, to which a read was redirected");
  private static final Setting<Duration> TIMEOUT =
      Setting.millis(
          "CHAT_STORAGE_S3_TIMEOUT_MS",
          10_000,
          100,
          600_000,
          "after so long without an answer S3 is asked again, three times in all; then 503");

  /** For help and for the document. */
  static final List<Setting<?>> SETTINGS =
      List.of(
          BUCKET,
          ENDPOINT,
          PUBLIC_ENDPOINT,
          REGION,
          ACCESS_KEY,
          SECRET_KEY,
          PATH_STYLE,
          PREFIX,
          REDIRECT,
          ADDRESS_LIFE,
          TIMEOUT);

  /** Read from the environment; null where files lie on the disk. */
  static @Nullable S3Settings from(Settings settings) {
    String bucket = settings.get(BUCKET);
    URI endpoint = settings.get(ENDPOINT);
    String accessKey = settings.get(ACCESS_KEY);
    String secretKey = settings.get(SECRET_KEY);
    S3Settings found =
        new S3Settings(
            endpoint,
            settings.get(PUBLIC_ENDPOINT),
            bucket == null ? "" : bucket,
            settings.get(REGION),
            accessKey,
            secretKey,
            settings.get(PATH_STYLE),
            settings.get(PREFIX),
            settings.get(REDIRECT),
            Duration.ofSeconds(settings.get(ADDRESS_LIFE)),
            settings.get(TIMEOUT));
    if ((accessKey == null) != (secretKey == null)) {
      settings.problem("CHAT_STORAGE_S3_ACCESS_KEY and CHAT_STORAGE_S3_SECRET_KEY go together.");
    }
    if (bucket == null) {
      if (endpoint != null) {
        settings.problem("CHAT_STORAGE_S3_ENDPOINT needs CHAT_STORAGE_S3_BUCKET beside it.");
      }
      return null;
    }
    return found;
  }

  /** Never shows the keys. */
  @Override
  public String toString() {
    return "S3Settings[%s at %s]".formatted(bucket, endpoint == null ? region : endpoint);
  }
}
