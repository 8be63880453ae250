package com.gptdesk.chat.service.files;

import java.net.URI;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Requests to the bucket, as the SDK makes them and tries them again, and whether they are
 * answered. Blocks. Thread-safe.
 */
final class S3Requests implements AutoCloseable {
  private static final int ATTEMPTS = 3;
  private static final int NOT_FOUND = 404;

  /** Time for bytes to be taken, beside the timeout: nothing slower than this is waited for. */
  private static final long LEAST_BYTES_A_SECOND = 256 * 1024;

  private final S3Settings settings;
  private final FileCounts counts;
  private final S3Client client;

  S3Requests(S3Settings settings, FileCounts counts) {
    this.settings = settings;
    this.counts = counts;
    this.client =
        S3Client.builder()
            .region(Region.of(settings.region()))
            .credentialsProvider(credentials(settings))
            .endpointOverride(settings.endpoint())
            .serviceConfiguration(style(settings))
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
  }

  /** Signs addresses as browsers see them. */
  static S3Presigner presigner(S3Settings settings) {
    URI seen = settings.publicEndpoint();
    return S3Presigner.builder()
        .region(Region.of(settings.region()))
        .credentialsProvider(credentials(settings))
        .endpointOverride(seen == null ? settings.endpoint() : seen)
        .serviceConfiguration(style(settings))
        .build();
  }

  private static S3Configuration style(S3Settings settings) {
    return S3Configuration.builder()
        .pathStyleAccessEnabled(settings.pathStyle())
        .chunkedEncodingEnabled(false) // which few servers but Amazon's know well
        .build();
  }

  private static AwsCredentialsProvider credentials(S3Settings settings) {
    String key = settings.accessKey();
    String secret = settings.secretKey();
    return key == null || secret == null
        ? DefaultCredentialsProvider.builder().build()
        : StaticCredentialsProvider.create(AwsBasicCredentials.create(key, secret));
  }

  S3Client client() {
    return client;
  }

  String key(UUID id) {
    return settings.prefix() + id;
  }

  /** A request, as the SDK makes it and tries it again. */
  <T extends @Nullable Object> T ask(String what, Supplier<T> request) throws StoreUnavailable {
    try {
      T answer = request.get();
      counts.storeAnswered();
      return answer;
    } catch (SdkException e) {
      throw failed(what, e);
    }
  }

  /** The same of an object that may not be there: then null. */
  <T> @Nullable T find(String what, Supplier<T> request) throws StoreUnavailable {
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

  static RequestBody body(ChannelPart bytes) {
    return RequestBody.fromContentProvider(
        bytes::stream, bytes.length(), "application/octet-stream");
  }

  Duration timeFor(long bytes) {
    return settings.timeout().plusSeconds(bytes / LEAST_BYTES_A_SECOND);
  }

  @Override
  public void close() {
    client.close();
  }
}
