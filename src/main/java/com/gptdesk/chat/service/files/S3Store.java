package com.gptdesk.chat.service.files;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Files in a bucket. What comes is written to a folder of this machine first, where it is checked,
 * and then put into the bucket under its id; an object is whole or not there. Several nodes may use
 * one bucket. An upload in several requests goes on at the node that has its beginning, or at any
 * when they share the folder.
 */
public final class S3Store implements ObjectStore, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(S3Store.class);
  private static final int ATTEMPTS = 3;
  private static final int NOT_FOUND = 404;
  private static final int NOT_IMPLEMENTED = 501;
  private static final Duration BETWEEN_LISTS = Duration.ofHours(1);
  private static final int MOST_PARTS = 10_000;
  private static final Pattern ID = Pattern.compile("[\\da-f]{8}(-[\\da-f]{4}){3}-[\\da-f]{12}");

  /** Time for bytes to be taken, beside the timeout: nothing slower than this is waited for. */
  private static final long LEAST_BYTES_A_SECOND = 256 * 1024;

  private final DiskStore beside;
  private final S3Settings settings;
  private final FileCounts counts;
  private final S3Client client;
  private final S3Presigner presigner;
  private final long partBytes;
  private volatile Instant tidied = Instant.EPOCH;

  /**
   * @param beside where files are written first
   */
  public S3Store(DiskStore beside, S3Settings settings, FileCounts counts) {
    this(beside, settings, counts, 64L << 20);
  }

  /**
   * @param partBytes larger files are sent in parts of this size
   */
  S3Store(DiskStore beside, S3Settings settings, FileCounts counts, long partBytes) {
    this.beside = beside;
    this.settings = settings;
    this.counts = counts;
    this.partBytes = partBytes;
    Region region = Region.of(settings.region());
    AwsCredentialsProvider credentials = credentials(settings);
    S3Configuration style =
        S3Configuration.builder()
            .pathStyleAccessEnabled(settings.pathStyle())
            .chunkedEncodingEnabled(false) // which few servers but Amazon's know well
            .build();
    this.client =
        S3Client.builder()
            .region(region)
            .credentialsProvider(credentials)
            .endpointOverride(settings.endpoint())
            .serviceConfiguration(style)
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .httpClientBuilder(
                UrlConnectionHttpClient.builder()
                    .connectionTimeout(settings.timeout())
                    .socketTimeout(settings.timeout()))
            .overrideConfiguration(
                each ->
                    each.apiCallAttemptTimeout(settings.timeout())
                        .retryStrategy(
                            AwsRetryStrategy.standardRetryStrategy().toBuilder()
                                .maxAttempts(ATTEMPTS)
                                .build()))
            .build();
    URI seen = settings.publicEndpoint();
    this.presigner =
        S3Presigner.builder()
            .region(region)
            .credentialsProvider(credentials)
            .endpointOverride(seen == null ? settings.endpoint() : seen)
            .serviceConfiguration(style)
            .build();
  }

  private static AwsCredentialsProvider credentials(S3Settings settings) {
    String key = settings.accessKey();
    String secret = settings.secretKey();
    return key == null || secret == null
        ? DefaultCredentialsProvider.builder().build()
        : StaticCredentialsProvider.create(AwsBasicCredentials.create(key, secret));
  }

  /** Says in the log whether the bucket can be reached; the service works without it meanwhile. */
  public void check() {
    try {
      ask("be found", () -> client.headBucket(each -> each.bucket(settings.bucket())));
      LOG.info("Files are kept in the bucket {}", settings.bucket());
    } catch (IOException e) {
      LOG.error(
          "The bucket of files cannot be reached: uploads and reads of files are answered 503", e);
    }
  }

  private String key(UUID id) {
    return settings.prefix() + id;
  }

  /** A request, as the SDK makes it and tries it again. */
  private <T extends @Nullable Object> T ask(String what, Supplier<T> request)
      throws StoreUnavailable {
    try {
      T answer = request.get();
      counts.storeAnswered();
      return answer;
    } catch (SdkException e) {
      throw failed(what, e);
    }
  }

  /** The same of an object that may not be there: then null. */
  private <T> @Nullable T find(String what, Supplier<T> request) throws StoreUnavailable {
    return ask(
        what,
        () -> {
          try {
            return request.get();
          } catch (S3Exception e) {
            if (e.statusCode() == NOT_FOUND && !isNoBucket(e)) {
              return null;
            }
            throw e;
          }
        });
  }

  /** HEAD has no body that tells it; then the object seems to be missing. */
  private static boolean isNoBucket(S3Exception failure) {
    return failure.awsErrorDetails() != null
        && "NoSuchBucket".equals(failure.awsErrorDetails().errorCode());
  }

  private StoreUnavailable failed(String what, SdkException cause) {
    counts.storeFailed();
    return new StoreUnavailable("A file could not %s in the bucket".formatted(what), cause);
  }

  /** The size of the object; -1 where there is none. */
  private long stored(UUID id) throws IOException {
    HeadObjectResponse found =
        find(
            "be looked up",
            () -> client.headObject(each -> each.bucket(settings.bucket()).key(key(id))));
    return found == null ? -1 : found.contentLength();
  }

  @Override
  public IncomingFile write(UUID id) throws IOException {
    IncomingFile file = beside.write(id, this::keep);
    boolean mayGoOn = false;
    try {
      // With some of it here, nobody has made it whole: then it would be here no more.
      if (file.size() == 0 && stored(id) > 0) {
        throw new FileBusy();
      }
      mayGoOn = true;
      return file;
    } finally {
      if (!mayGoOn) {
        try (file) {
          file.discard();
        }
      }
    }
  }

  @Override
  public IncomingFile whole(UUID id) throws IOException {
    IncomingFile file = beside.write(id, this::keep);
    boolean isCopied = false;
    try (InputStream bytes = open(id, null)) {
      if (file.size() > 0) {
        throw new FileBusy(); // another began to write it here
      }
      if (bytes == null) {
        throw new IOException("The object " + key(id) + " is gone");
      }
      file.append(bytes, Long.MAX_VALUE);
      file.isCopy();
      isCopied = true;
      return file;
    } finally {
      if (!isCopied) {
        try (file) {
          file.discard();
        }
      }
    }
  }

  @Override
  public long arrived(UUID id) throws IOException {
    long here = beside.arrived(id);
    return here > 0 ? here : Math.max(0, stored(id));
  }

  @Override
  public boolean isWhole(UUID id) throws IOException {
    return beside.arrived(id) == 0 && stored(id) >= 0;
  }

  @Override
  public @Nullable Content read(UUID id, long first, long length) throws IOException {
    InputStream bytes =
        length == 0 ? null : open(id, "bytes=%d-%d".formatted(first, first + length - 1));
    if (bytes != null) {
      return new Content.Streamed(bytes, length);
    }
    return length == 0 && stored(id) >= 0
        ? new Content.Streamed(InputStream.nullInputStream(), 0)
        : null;
  }

  /**
   * @param range of bytes; null for all
   */
  private @Nullable InputStream open(UUID id, @Nullable String range) throws IOException {
    ResponseInputStream<GetObjectResponse> object =
        find(
            "be read",
            () ->
                client.getObject(each -> each.bucket(settings.bucket()).key(key(id)).range(range)));
    return object == null ? null : new Bytes(object);
  }

  /** What is not read to its end is given up, and not read for the next request's sake. */
  private final class Bytes extends FilterInputStream {
    private final ResponseInputStream<GetObjectResponse> object;
    private boolean atEnd;

    Bytes(ResponseInputStream<GetObjectResponse> object) {
      super(object);
      this.object = object;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        int read = object.read(into, offset, length);
        atEnd |= read < 0;
        return read;
      } catch (IOException | SdkException e) {
        counts.storeFailed();
        throw new StoreUnavailable("A file could not be read to its end from the bucket", e);
      }
    }

    @Override
    public void close() throws IOException {
      if (atEnd) {
        object.close();
      } else {
        object.abort();
      }
    }
  }

  @Override
  public @Nullable Direct direct(UUID id, Shown as) {
    if (!settings.redirects()) {
      return null;
    }
    return new Direct(
        URI.create(
            presigner
                .presignGetObject(
                    each ->
                        each.signatureDuration(settings.addressLife())
                            .getObjectRequest(
                                object ->
                                    object
                                        .bucket(settings.bucket())
                                        .key(key(id))
                                        .responseContentType(as.type())
                                        .responseContentDisposition(as.disposition())
                                        .responseCacheControl(as.cacheControl())))
                .url()
                .toString()),
        settings.addressLife());
  }

  /** Puts it into the bucket, and takes it away from the folder. */
  private void keep(UUID id, FileChannel bytes) throws IOException {
    long size = bytes.size();
    if (size <= partBytes) {
      ChannelPart all = new ChannelPart(bytes, 0, size);
      String hash = all.md5();
      ask(
          "be stored",
          () ->
              client.putObject(
                  each ->
                      each.bucket(settings.bucket())
                          .key(key(id))
                          .contentMD5(hash)
                          .overrideConfiguration(one -> one.apiCallAttemptTimeout(timeFor(size))),
                  body(all)));
    } else {
      keepInParts(id, bytes, size);
    }
    beside.drop(id);
  }

  private void keepInParts(UUID id, FileChannel bytes, long size) throws IOException {
    long each = Math.max(partBytes, (size + MOST_PARTS - 1) / MOST_PARTS);
    String upload =
        ask(
                "be stored",
                () ->
                    client.createMultipartUpload(one -> one.bucket(settings.bucket()).key(key(id))))
            .uploadId();
    boolean isKept = false;
    try {
      List<CompletedPart> parts = new ArrayList<>();
      for (long first = 0; first < size; first += each) {
        parts.add(
            part(
                id,
                upload,
                parts.size() + 1,
                new ChannelPart(bytes, first, Math.min(each, size - first))));
      }
      ask(
          "be stored",
          () ->
              client.completeMultipartUpload(
                  one ->
                      one.bucket(settings.bucket())
                          .key(key(id))
                          .uploadId(upload)
                          .multipartUpload(all -> all.parts(parts))
                          .overrideConfiguration(any -> any.apiCallAttemptTimeout(timeFor(size)))));
      isKept = true;
    } finally {
      if (!isKept) {
        abort(key(id), upload);
      }
    }
  }

  private CompletedPart part(UUID id, String upload, int number, ChannelPart bytes)
      throws IOException {
    String hash = bytes.md5();
    String tag =
        ask(
                "be stored",
                () ->
                    client.uploadPart(
                        one ->
                            one.bucket(settings.bucket())
                                .key(key(id))
                                .uploadId(upload)
                                .partNumber(number)
                                .contentMD5(hash)
                                .overrideConfiguration(
                                    any -> any.apiCallAttemptTimeout(timeFor(bytes.length()))),
                        body(bytes)))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(tag).build();
  }

  private static RequestBody body(ChannelPart bytes) {
    return RequestBody.fromContentProvider(
        bytes::stream, bytes.length(), "application/octet-stream");
  }

  private Duration timeFor(long bytes) {
    return settings.timeout().plusSeconds(bytes / LEAST_BYTES_A_SECOND);
  }

  private void abort(String key, String upload) {
    try {
      ask(
          "be given up",
          () ->
              client.abortMultipartUpload(
                  one -> one.bucket(settings.bucket()).key(key).uploadId(upload)));
    } catch (IOException e) {
      LOG.warn("The parts of {} stay in the bucket until the sweeper finds them", key, e);
    }
  }

  @Override
  public void remove(UUID id) throws IOException {
    beside.drop(id);
    find(
        "be removed",
        () -> client.deleteObject(each -> each.bucket(settings.bucket()).key(key(id))));
  }

  @Override
  public void tidy(Instant before) throws IOException {
    beside.tidy(before);
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
    return ask(
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

  @Override
  public void requireRoom(long bytes) throws IOException {
    beside.requireRoom(bytes);
  }

  @Override
  public void close() {
    client.close();
    presigner.close();
  }
}
