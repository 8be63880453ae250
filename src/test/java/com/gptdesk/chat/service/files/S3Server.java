package com.gptdesk.chat.service.files;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Object;

/** An S3 with one bucket in memory, which checks signatures: S3Proxy. */
public final class S3Server implements AutoCloseable {
  private static final String BUCKET = "files";
  private static final String ACCESS_KEY = "the-id-of-a-key";
  private static final String SECRET_KEY = "the key of the tests";

  private final TransientNio2BlobStore objects = new TransientNio2BlobStore();
  private final S3Proxy server;
  private final S3Client client;

  public S3Server() {
    objects.createContainer(BUCKET);
    server =
        S3Proxy.builder()
            .blobStore(objects)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
            .build();
    try {
      server.start();
    } catch (Exception e) {
      throw new IllegalStateException("S3Proxy does not start", e);
    }
    client =
        S3Client.builder()
            .endpointOverride(address())
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .build();
  }

  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getPort());
  }

  /**
   * Settings for this bucket.
   *
   * @param through the address of this server, or of what stands before it
   */
  public static S3Settings settings(URI through, boolean redirects, Duration timeout) {
    return settings(through, SECRET_KEY, redirects, timeout);
  }

  static S3Settings settings(URI through, String secretKey, boolean redirects, Duration timeout) {
    return new S3Settings(
        through,
        null,
        BUCKET,
        "us-east-1",
        ACCESS_KEY,
        secretKey,
        true,
        "chat/",
        redirects,
        Duration.ofMinutes(5),
        timeout);
  }

  /** The keys of all objects, without the prefix. */
  public List<String> keys() {
    return objects.list(BUCKET).contents().stream()
        .map(S3Object::key)
        .map(key -> key.substring("chat/".length()))
        .toList();
  }

  public byte[] bytes(String key) throws IOException {
    try (var object = objects.getBlob(BUCKET, "chat/" + key)) {
      return object.readAllBytes();
    }
  }

  /** Begins an upload in parts. */
  void beginParts(String key) {
    client.createMultipartUpload(upload -> upload.bucket(BUCKET).key("chat/" + key));
  }

  /** The keys of uploads in parts that are not ended. */
  List<String> parts() {
    return unfinished().stream().map(upload -> upload.key().substring("chat/".length())).toList();
  }

  /** Gives all uploads in parts up. */
  void endParts() {
    for (MultipartUpload each : unfinished()) {
      client.abortMultipartUpload(
          upload -> upload.bucket(BUCKET).key(each.key()).uploadId(each.uploadId()));
    }
  }

  private List<MultipartUpload> unfinished() {
    return client.listMultipartUploads(all -> all.bucket(BUCKET)).uploads();
  }

  @Override
  public void close() {
    client.close();
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("S3Proxy does not stop", e);
    }
    objects.close();
  }
}
