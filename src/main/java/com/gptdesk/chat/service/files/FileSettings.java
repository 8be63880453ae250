package com.gptdesk.chat.service.files;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where files are, and what may be stored; the limits of sizes and types stand in {@code
 * chat.settings}.
 *
 * @param directory null: no files are stored
 * @param reservedBytes what stays free on its disk
 * @param sweepPause between two runs of the sweeper
 * @param maxPixels of a picture
 * @param keepsMetadata whether pictures keep what tells where and by whom they were taken
 * @param isPublic whether who knows the path of a file reads it without a token
 * @param sharedCache whether a CDN may keep what is read by a signed address
 * @param addressSecret signs addresses; null for one that is derived from the secret of tokens
 * @param s3 where files are kept; null for the directory
 * @param thumbnails which small pictures are made
 * @param scanner the virus scanner; null for none
 */
public record FileSettings(
    @Nullable Path directory,
    long reservedBytes,
    Duration sweepPause,
    long maxPixels,
    boolean keepsMetadata,
    boolean isPublic,
    boolean sharedCache,
    @Nullable String addressSecret,
    @Nullable S3Settings s3,
    ThumbnailSettings thumbnails,
    @Nullable ScannerSettings scanner) {
  private static final long MIB = 1 << 20;

  private static final Setting<@Nullable Path> DIRECTORY =
      Setting.path(
          "CHAT_STORAGE_DIR",
          "`files` in CHAT_DATA_DIR; none with CHAT_DATABASE_URL",
          "the folder of uploaded files; nodes of one database share it. Without it no files are stored");
  private static final Setting<Integer> RESERVED =
      Setting.number(
          "CHAT_STORAGE_RESERVED_MIB",
          256,
          0,
          1_000_000_000,
          "what uploads leave free on that disk, for a database that shares it; then 507");
  private static final Setting<Duration> SWEEP =
      Setting.millis(
          "CHAT_STORAGE_SWEEP_MS",
          60_000,
          100,
          86_400_000,
          "so often a node removes the bytes of files that are gone");
  private static final Setting<Integer> PIXELS =
      Setting.number(
          "CHAT_STORAGE_MAX_MEGAPIXELS",
          100,
          1,
          2000,
          "millions of pixels of a picture; more is refused (413)");
  private static final Setting<Boolean> METADATA =
      Setting.flag(
          "CHAT_STORAGE_KEEP_METADATA",
          false,
          "`true`: JPEG, PNG and WebP keep EXIF, XMP and IPTC, which tell where they were taken");
  private static final Setting<Boolean> PUBLIC =
      Setting.flag(
          "CHAT_STORAGE_PUBLIC",
          false,
          "`true`: who knows the path of a file reads it without a token (`getPublicUrl`)");
  private static final Setting<Boolean> SHARED_CACHE =
      Setting.flag(
          "CHAT_STORAGE_SHARED_CACHE",
          false,
          "`true`: a CDN may keep what is read by a signed address, until that expires");
  private static final Setting<@Nullable String> SECRET =
      Setting.secret(
          "CHAT_STORAGE_URL_SECRET",
          32,
          "derived from CHAT_JWT_SECRET",
          "signs addresses of files; the same on each node. With CHAT_JWKS_URL and without it, a restart ends them");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS =
      Stream.of(
              List.of(DIRECTORY, RESERVED, SWEEP, PIXELS, METADATA, PUBLIC, SHARED_CACHE, SECRET),
              ThumbnailSettings.SETTINGS,
              S3Settings.SETTINGS,
              ScannerSettings.SETTINGS)
          .<Setting<?>>flatMap(List::stream)
          .toList();

  /**
   * Read from the environment.
   *
   * @param otherwise the folder when none is set; null for none
   */
  public static FileSettings from(Settings settings, @Nullable Path otherwise) {
    Path set = settings.get(DIRECTORY);
    Path directory = set == null ? otherwise : set;
    S3Settings s3 = S3Settings.from(settings);
    if (s3 != null && directory == null) {
      settings.problem(
          "CHAT_STORAGE_S3_BUCKET needs CHAT_STORAGE_DIR beside it: uploads are written there first.");
    }
    return new FileSettings(
        directory,
        settings.get(RESERVED) * MIB,
        settings.get(SWEEP),
        settings.get(PIXELS) * 1_000_000L,
        settings.get(METADATA),
        settings.get(PUBLIC),
        settings.get(SHARED_CACHE),
        settings.get(SECRET),
        s3,
        ThumbnailSettings.from(settings),
        ScannerSettings.from(settings));
  }

  /** Never shows the secret. */
  @Override
  public String toString() {
    return "FileSettings[%s]".formatted(directory);
  }
}
