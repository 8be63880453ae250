package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Large objects, which are sent in parts, and the parts that a crash left in the bucket. Blocks.
 * Thread-safe.
 */
final class S3Parts {
  private static final Logger LOG = LoggerFactory.getLogger(S3Parts.class);
  private static final int NOT_IMPLEMENTED = 501;
  private static final Duration BETWEEN_LISTS = Duration.ofHours(1);
  private static final int MOST_PARTS = 10_000;
  private static final Pattern ID = Pattern.compile("[\\da-f]{8}(-[\\da-f]{4}){3}-[\\da-f]{12}");

  private final S3Requests requests;
  private final S3Client client;
  private final S3Settings settings;
  private final long partBytes;
  private volatile Instant tidied = Instant.EPOCH;

  /**
   * @param partBytes of each but the last
   */
  S3Parts(S3Requests requests, S3Settings settings, long partBytes) {
    this.requests = requests;
    this.client = requests.client();
    this.settings = settings;
    this.partBytes = partBytes;
  }

  /** Puts an object that is too large for one request. */
  void keep(String key, FileChannel bytes, long size) throws IOException {
    long each = Math.max(partBytes, (size + MOST_PARTS - 1) / MOST_PARTS);
    String upload =
        requests
            .ask(
                "be stored",
                () -> client.createMultipartUpload(one -> one.bucket(settings.bucket()).key(key)))
            .uploadId();
    boolean isKept = false;
    try {
      List<CompletedPart> parts = new ArrayList<>();
      for (long first = 0; first < size; first += each) {
        parts.add(
            part(
                key,
                upload,
                parts.size() + 1,
                new ChannelPart(bytes, first, Math.min(each, size - first))));
      }
      requests.ask(
          "be stored",
          () ->
              client.completeMultipartUpload(
                  one ->
                      one.bucket(settings.bucket())
                          .key(key)
                          .uploadId(upload)
                          .multipartUpload(all -> all.parts(parts))
                          .overrideConfiguration(
                              any -> any.apiCallAttemptTimeout(requests.timeFor(size)))));
      isKept = true;
    } finally {
      if (!isKept) {
        abort(key, upload);
      }
    }
  }

  private CompletedPart part(String key, String upload, int number, ChannelPart bytes)
      throws IOException {
    String hash = bytes.md5();
    String tag =
        requests
            .ask(
                "be stored",
                () ->
                    client.uploadPart(
                        one ->
                            one.bucket(settings.bucket())
                                .key(key)
                                .uploadId(upload)
                                .partNumber(number)
                                .contentMD5(hash)
                                .overrideConfiguration(
                                    any ->
                                        any.apiCallAttemptTimeout(
                                            requests.timeFor(bytes.length()))),
                        S3Requests.body(bytes)))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(tag).build();
  }

  private void abort(String key, String upload) {
    try {
      requests.ask(
          "be given up",
          () ->
              client.abortMultipartUpload(
                  one -> one.bucket(settings.bucket()).key(key).uploadId(upload)));
    } catch (IOException e) {
      LOG.warn("The parts of {} stay in the bucket until the sweeper finds them", key, e);
    }
  }

  /**
   * Gives up what was begun and not ended.
   *
   * @param before what was begun earlier
   */
  void tidy(Instant before) throws IOException {
    if (before.isBefore(tidied.plus(BETWEEN_LISTS))) {
      return;
    }
    tidied = before;
    for (MultipartUpload each : unfinished()) {
      if (isOurs(each.key()) && each.initiated() != null && each.initiated().isBefore(before)) {
        abort(each.key(), each.uploadId());
      }
    }
  }

  /** The bucket may have other things, whose names begin likewise. */
  private boolean isOurs(String key) {
    return key.startsWith(settings.prefix())
        && ID.matcher(key.substring(settings.prefix().length())).matches();
  }

  private List<MultipartUpload> unfinished() throws IOException {
    return requests.ask(
        "be listed",
        () -> {
          try {
            return client
                .listMultipartUploads(
                    each -> each.bucket(settings.bucket()).prefix(settings.prefix()))
                .uploads();
          } catch (S3Exception e) {
            if (e.statusCode() == NOT_IMPLEMENTED) {
              return List.of();
            }
            throw e;
          }
        });
  }
}
