package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.service.http.Problem;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which requests are for a bucket that is not the chat's; a back end behind it may have others. */
public final class OtherBuckets {
  private static final Pattern NAMED =
      Pattern.compile(
          "/(?:object/(?!(?:move|copy)$)(?:(?:upload/)?sign/|authenticated/|public/|info/(?:authenticated/|public/)?|list/|list-v2/)?"
              + "|bucket/|render/image/(?:sign/|authenticated/|public/)?)([^/]+)(?:/.*)?");

  private OtherBuckets() {}

  /**
   * Whether a request names another bucket. Moves name theirs in the body, so they are the chat's.
   *
   * @param path below {@code /storage/v1}
   * @param uploadMetadata the header with which a resumable upload begins
   */
  public static boolean isNamed(String path, @Nullable String uploadMetadata) {
    if (path.startsWith(ResumableUploads.ADDRESS)) {
      return uploadMetadata == null
          ? !ResumableUploads.isId(path.substring(path.lastIndexOf('/') + 1))
          : !StorageEndpoint.BUCKET.equals(bucketOf(uploadMetadata));
    }
    Matcher named = NAMED.matcher(path);
    return named.matches() && !named.group(1).equals(StorageEndpoint.BUCKET);
  }

  private static @Nullable String bucketOf(String uploadMetadata) {
    try {
      return ResumableUploads.metadata(uploadMetadata).get("bucketName");
    } catch (Problem.Stop e) {
      return StorageEndpoint.BUCKET; // which then says what is wrong
    }
  }
}
